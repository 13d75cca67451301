"""What the page's kernel knows of the course is the course's own, and so are its words."""

import inspect
import json
import math
import random
import re
import subprocess
from pathlib import Path

import pytest

import mnist_lab as lab
from mnist_lab.course import NOTEBOOKS
from mnist_lab.laboratory import Setup
from mnist_lab.laboratory.explorer import Explorer
from mnist_lab.laboratory.rows import overlay
from mnist_lab.progress import duration
from mnist_lab.web.figures import figures

FRONT = Path(lab.__file__).parent / "web" / "kernel"
READ = 'import { readFileSync } from "node:fs"; const given = JSON.parse(readFileSync(0));'


def node(script, given):
    """Run a module in the kernel's folder with these values as `given`; return what it prints."""
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", READ + script],
        input=json.dumps(given), capture_output=True, text=True, cwd=FRONT, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_the_figures_are_small():
    assert len(json.dumps(figures())) < 40_000


SETUPS = """
import { Setup } from "./setup.js";
const found = given.moves.map(([part, values]) => {
  const setup = Setup.ofSheet(given.figures, part).moved(values);
  const { name, words, parameters, changed } = setup;
  return { name, words, parameters, changed, choices: setup.choices(), controls: setup.controls() };
});
console.log(JSON.stringify(found));
"""


def test_a_setup_is_python_s_whatever_is_moved():
    chance = random.Random(0)
    moves = []
    for part in lab.PARTS:
        sliders = Setup.of_sheet(lab.PARTS[part]).sliders
        moves += [(part, {})]
        moves += [(part, {key: value}) for key in sliders for value in sliders[key].choices[:60]]
        for _ in range(20):
            moves.append((part, {key: chance.choice(sliders[key].choices) for key in sliders}))
        moves.append((part, {"learning_rate": 0.0123}))
    setups = [Setup.of_sheet(lab.PARTS[part]).moved(**values) for part, values in moves]
    expected = [
        {
            "name": setup.name,
            "words": setup.words,
            "parameters": setup.parameters,
            "changed": [key for key in setup.values if key in setup.changed],
            "choices": setup.choices(),
            "controls": setup.controls(),
        }
        for setup in setups
    ]
    assert node(SETUPS, {"figures": figures(), "moves": moves}) == json.loads(json.dumps(expected))


def test_what_a_control_cannot_be_is_refused():
    script = """
import { Setup } from "./setup.js";
const refused = given.moves.filter((values) => {
  try {
    Setup.ofSheet(given.figures, "linear").moved(values);
    return false;
  } catch (problem) {
    return problem instanceof RangeError;
  }
});
console.log(refused.length);
"""
    moves = [{"epochs": 51}, {"epochs": "2"}, {"hidden_units": 33}, {"filters": [2, 4]}]
    moves += [{"learning_rate": 20}, {"learning_rate": None}, {"seed": 10_000}, {"seed": 0.5}]
    moves += [{"loss": "other"}, {"constructor": 1}, {"__proto__x": 1}]
    assert node(script, {"figures": figures(), "moves": moves}) == len(moves)


def test_numbers_are_put_into_words_as_python_does():
    chance = random.Random(1)
    numbers = [0.0, 98.25, 0.5, 1.5, 2.5, -0.125, 9.95, 59.5, 60, 119.5, 3599.5, 7321.0, 1e-5, 1e9]
    numbers += [chance.uniform(-1, 1) * 10 ** chance.randint(-7, 8) for _ in range(500)]
    numbers += [chance.randint(0, 10**4) / 8 for _ in range(200)]
    script = """
import { duration, fixed, general } from "./wording.js";
const words = (value) => [
  ...[0, 1, 3].map((digits) => fixed(value, digits)),
  general(value),
  general(value % 100, 2),
  duration(Math.abs(value)),
];
console.log(JSON.stringify(given.map(words)));
"""
    expected = [
        [f"{value:.0f}", f"{value:.1f}", f"{value:.3f}", f"{value:g}",
         f"{math.fmod(value, 100):.2g}", duration(abs(value))]
        for value in numbers
    ]  # fmt: skip
    for value, one, other in zip(numbers, node(script, numbers), expected, strict=True):
        assert one == other, value


@pytest.mark.parametrize("part", lab.PARTS)
def test_the_sheet_s_curve_is_python_s(part):
    script = """
import { sheetCurve } from "./rows.js";
const { history, ...about } = sheetCurve(given);
const data = Array.from(history.data, (value) => (Number.isNaN(value) ? null : value));
console.log(JSON.stringify({ shape: history.shape, data, epochs: about.epochs }));
"""
    curve = overlay("the sheet's curve", part)
    found = node(script, figures()["parts"][part])
    values = [None if value != value else value for value in curve["history"].ravel().tolist()]
    assert found == {
        "shape": list(curve["history"].shape),
        "data": values,
        "epochs": curve["epochs"],
    }


@pytest.mark.parametrize("part", lab.PARTS)
def test_the_program_of_the_sheet_s_network_is_the_course_s(part):
    script = """
import { program } from "./program.js";
import { Setup } from "./setup.js";
console.log(JSON.stringify(program(Setup.ofSheet(given, "%s"), 60000, 60000)));
"""
    code = NOTEBOOKS[part].code.replace("import mnist_lab as lab\n", "")
    code = code.replace("lab.ClippedCrossentropy()", "clipped_crossentropy")
    network = code.split("from keras import layers\n")[1].strip()
    assert network in node(script % part, figures())


def test_the_described_asks_are_those_that_both_kernels_hear():
    script = """
import { Laboratory } from "./laboratory.js";
console.log(JSON.stringify(Object.keys(new Laboratory(given, null, {}, () => {}).asks)));
"""
    described = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
    table = described.split("## What the page asks")[1].split("\n## ")[0]
    asks = dict(re.findall(r"^\| `(\w+)` \|.*\| (only the Worker)?", table, re.MULTILINE))
    assert list(asks) == node(script, figures())
    heard = re.findall(r'^ {12}"(\w+)": ', inspect.getsource(Explorer.hear), re.MULTILINE)
    assert [ask for ask, only in asks.items() if not only] == heard
