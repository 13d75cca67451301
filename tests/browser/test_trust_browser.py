"""What an untrusted notebook shows."""

_SHOWN = (
    "() => [...document.querySelectorAll('.jp-OutputArea img')].map(i => [i.alt, i.naturalWidth])"
)
_TRUST = """() => [...jupyterapp.shell.currentWidget.content.widgets]
    .filter(cell => cell.model.type == "code").map(cell => cell.model.trusted)"""


def test_a_notebook_shows_its_figures_without_trust(open_solution):
    lab = open_solution("2_mlp.ipynb")
    figures = lab.page.locator(".jp-OutputArea img")
    figures.nth(7).wait_for()
    assert set(lab.page.evaluate(_TRUST)) == {False}
    shown = lab.page.evaluate(_SHOWN)
    assert len(shown) == 8
    # The student's own program draws two with matplotlib, which knows no words for them.
    assert sorted(len(words) > 10 for words, _ in shown) == [False] * 2 + [True] * 6
    assert all(width > 100 for _, width in shown)
