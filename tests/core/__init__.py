"""Tests of the tensor maths."""
