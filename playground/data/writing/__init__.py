"""The named templates, each in a module of its name: how it puts rows and conversations into segments of text."""
