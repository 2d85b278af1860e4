"""Figures and reports: the style shared by all figures, and the HTML page shared by all reports."""
