"""Has the hazards of the table as forced orders, and looks for their harm."""

__all__: list[str] = []
