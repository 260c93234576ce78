"""argparse, with messages that name what was given and what is expected, and help that shows common things first."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from swruntime.algorithms.suggestions import did_you_mean, or_known
from swruntime.algorithms.visible_text import visible

SHELLS = ("bash", "zsh", "tcsh")


class Parser(argparse.ArgumentParser):
    """What is wrong is one line on standard error, and exit status 2."""

    examples: tuple[str, ...] = ()
    """Command lines that people begin with; the end of the help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def show_examples(self, *examples: str) -> None:
        """Also has the usage name what has to be given, and no single option."""
        self.examples = examples
        self.epilog = "\n  ".join(("examples:", *examples))
        self.usage = " ".join(("%(prog)s [OPTIONS]", *self._positionals_shown()))

    def option_names(self) -> list[str]:
        return [name for action in self._actions for name in action.option_strings]

    def parse_whole(self, arguments: Sequence[str]) -> argparse.Namespace:
        """As `parse_args`; what is left over is the fault of the command that it was given to."""
        if arguments[0].startswith("-") and arguments[0].partition("=")[0] not in self.option_names():
            self.error(self.superfluous(arguments))
        options, rest = self.parse_known_args(arguments)
        if rest:
            command: Parser = options.parser
            command.error(command.superfluous(rest))
        return options

    def superfluous(self, rest: Sequence[str]) -> str:
        """What is wrong with arguments that were not understood."""
        unknown = next((each.partition("=")[0] for each in rest if each.startswith("-")), None)
        if unknown is None:
            return f"{rest[0]!r} is one argument too many"
        return f"there is no option {unknown!r}{did_you_mean(unknown, self.option_names())}"

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{visible(f'{self.prog}: {message}')} (see '{self.prog} --help')\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        given, choices = str(value), [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):
            meant = f"; did you mean 'run {given}'?" if Path(given).is_dir() else or_known(given, choices)
            self.error(f"there is no command {given!r}{meant}")
        raise argparse.ArgumentError(
            action, f"{given!r} is not one of {', '.join(choices)}{did_you_mean(given, choices)}"
        )

    def _positionals_shown(self) -> list[str]:
        shown = []
        for action in self._actions:
            if not action.option_strings:
                name = str(action.metavar)
                shown.append({"?": f"[{name}]", "+": f"{name}..."}.get(str(action.nargs), name))
        return shown


class PrintCompletion(argparse.Action):
    """Prints what makes a shell complete the commands, their options and files; then ends."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> NoReturn:
        import shtab

        for command in commands(parser):
            for action in command._actions:
                if action.type is Path or action.metavar == "FILE":
                    folder = action.metavar in ("SITE", "DIR")
                    action.complete = shtab.DIRECTORY if folder else shtab.FILE  # type: ignore[attr-defined]
        print(shtab.complete(parser, values))
        parser.exit()


def commands(parser: argparse.ArgumentParser) -> list[Parser]:
    """Those of the whole program, in the order of its help."""
    (added,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return list(added.choices.values())
