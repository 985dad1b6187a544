"""A room of people: what its host allows and shows, and what the room answers."""
