"""The table."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from wordcount.main import main
from wordcount.report import WIDTH, render


class ReportTest(unittest.TestCase):
    """Drawing."""

    def test_first_word_has_the_longest_bar(self):
        """Bars are in proportion to the counts."""
        first, second = render([("many", 10), ("few", 5)]).splitlines()

        self.assertEqual(first.count("#"), WIDTH)
        self.assertEqual(second.count("#"), WIDTH // 2)

    def test_nothing_to_draw(self):
        """An empty list is said in words."""
        self.assertEqual(render([]), "no words\n")


class CommandLineTest(unittest.TestCase):
    """The whole program."""

    def test_counts_files(self):
        """Files named on the command line are counted together."""
        with tempfile.TemporaryDirectory() as folder:
            text, result = Path(folder) / "text", Path(folder) / "result.json"
            text.write_text("be and be", encoding="utf-8")
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                code = main(["--json", str(result), str(text), str(text)])

            self.assertEqual(code, 0)
            self.assertEqual(result.read_text(encoding="utf-8"), '{\n  "be": 4,\n  "and": 2\n}\n')
