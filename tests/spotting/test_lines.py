import numpy as np

from sightread.spotting.lines import line_numbers


def test_words_of_a_line_follow_each_other() -> None:
    places = np.array(
        [
            [160, 20, 60, 20, 0],  # second word of the first line
            [60, 22, 80, 20, 0],  # first word
            [60, 60, 80, 20, 0],  # a line below
            [300, 24, 40, 20, 0],  # five heights further right: another line
        ],
        np.float32,
    )
    assert line_numbers(places) == [(0, 1), (0, 0), (2, 0), (1, 0)]


def test_size_and_direction_must_agree() -> None:
    places = np.array(
        [[60, 20, 80, 20, 0], [140, 20, 60, 50, 0], [140, 20, 60, 20, 1.2]], np.float32
    )
    assert sorted(line for line, _ in line_numbers(places)) == [0, 1, 2]


def test_lines_that_run_down_are_lines_too() -> None:
    down = np.pi / 2
    places = np.array([[50, 150, 60, 20, down], [50, 60, 80, 20, down]], np.float32)
    assert line_numbers(places) == [(0, 1), (0, 0)]


def test_a_word_follows_only_one() -> None:
    places = np.array([[40, 20, 60, 20, 0], [40, 28, 60, 20, 0], [110, 22, 60, 20, 0]], np.float32)
    numbers = line_numbers(places)
    assert sorted(numbers) == [(0, 0), (0, 1), (1, 0)]
    assert line_numbers(np.zeros((0, 5), np.float32)) == []
