"""The table: what all tables of the configuration file have in common."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from sts_server import shapes


class Table(BaseModel):
    """A table whose unknown names are mistakes, and which nobody changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Url = Annotated[str, AfterValidator(shapes.url)]
IdPrefix = Annotated[str, AfterValidator(shapes.id_prefix)]
Names = Annotated[tuple[str, ...], AfterValidator(shapes.no_repeats)]
