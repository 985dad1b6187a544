"""Tests of finding, loading and running models."""
