"""Run by hand or by the Makefile, never by the app."""
