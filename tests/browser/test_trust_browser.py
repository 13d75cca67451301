"""What an untrusted notebook shows."""

_SHOWN = (
    "() => [...document.querySelectorAll('.jp-OutputArea img')].map(i => [i.alt, i.naturalWidth])"
)
_TRUST = """() => [...jupyterapp.shell.currentWidget.content.widgets]
    .filter(cell => cell.model.type == "code").map(cell => cell.model.trusted)"""


def test_a_notebook_shows_its_figures_without_trust(open_solution):
    lab = open_solution("2_mlp.ipynb")
    figures = lab.page.locator(".jp-OutputArea img")
    figures.nth(3).wait_for()
    assert set(lab.page.evaluate(_TRUST)) == {False}
    shown = lab.page.evaluate(_SHOWN)
    assert len(shown) == 4
    for words, width in shown:
        assert len(words) > 10
        assert width > 100
