"""Well-known programs as users of NumPyro and Pyro write them: a table with data and reference values."""

from __future__ import annotations

from tests.user_programs.continuous import CONTINUOUS
from tests.user_programs.enumerable import ENUMERABLE
from tests.user_programs.program import UserProgram, for_backend

__all__ = ["BY_NAME", "USER_PROGRAMS", "UserProgram", "for_backend"]

USER_PROGRAMS = CONTINUOUS + ENUMERABLE
BY_NAME = {program.name: program for program in USER_PROGRAMS}
