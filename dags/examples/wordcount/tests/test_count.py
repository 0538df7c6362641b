"""Words are found and ordered."""

import tempfile
import unittest
from collections import Counter
from pathlib import Path

from wordcount.count import count_words, most_common
from wordcount.known import KnownCounts


class CountTest(unittest.TestCase):
    """Counting."""

    def test_case_and_punctuation_do_not_matter(self):
        """`Be`, `be` and `be,` are one word."""
        self.assertEqual(count_words("To be, to Be!"), Counter(to=2, be=2))

    def test_order_is_by_count_then_by_name(self):
        """Equal counts are listed in alphabetical order."""
        counts = Counter(pear=1, fig=3, apple=1)

        self.assertEqual(most_common(counts, 2, 1), [("fig", 3), ("apple", 1)])

    def test_short_words_are_left_out(self):
        """Only words of the minimal length are listed."""
        self.assertEqual(most_common(Counter(a=9, word=1), 10, 4), [("word", 1)])


class KnownCountsTest(unittest.TestCase):
    """Counts that are kept."""

    def test_known_text_is_not_counted_again(self):
        """A second run finds what the first one saved."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "kept" / "counts.json"
            first = KnownCounts(path)
            first.count("one two")
            first.save()
            second = KnownCounts(path)

            self.assertEqual(second.count("one two"), Counter(one=1, two=1))
            self.assertEqual((second.found, second.made), (1, 0))
