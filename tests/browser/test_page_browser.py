"""The laboratory as a page without Python, in Chromium and in Firefox."""

import contextlib
import functools
import http.server
import re
import shutil
import threading

import pytest
from conftest import SCREENSHOTS, SECONDS, Lab, found_by_axe
from firefox import run_firefox
from playwright.sync_api import expect
from test_explorer_browser import THREE, rows, slider, status

from mnist_lab.web import write_page

FIRST = 300_000  # bytes until the controls are there
ON_FILE = re.compile("on file")
PLAYS = re.compile(r"epoch \d+/17")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "laboratory"
    write_page(folder)
    return folder


@pytest.fixture(scope="session")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "laboratory.html"
    write_page(file, single=True)
    return file


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    """Serve a folder; yield its address."""
    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def address(folder):
    with served(folder) as address:
        yield address


@pytest.fixture
def open_page(browser):
    """Return a function that opens an address in a browser that remembers nothing."""
    with contextlib.ExitStack() as stack:

        def open_page(address, *, script=None, width=1440, height=1000, **options):
            size = {"width": width, "height": height}
            context = stack.enter_context(
                contextlib.closing(browser.new_context(viewport=size, **options))
            )
            page = context.new_page()
            page.set_default_timeout(1000 * SECONDS)
            page.failures = []
            page.on("pageerror", lambda error: page.failures.append(str(error)))
            page.on("dialog", lambda dialog: page.failures.append(dialog.message))
            if script:
                page.add_init_script(script)
            page.goto(address)
            return Lab(page)

        yield open_page


def is_ready(lab):
    """Draw a three, and wait until the networks on file have answered, which are loaded last."""
    lab.shown()
    lab.draw(".ml-field", THREE)
    expect(lab.page.locator(".ml-answers tbody tr").first).to_be_visible()
    lab.answered()


def test_a_network_is_trained_by_keys_and_nothing_is_asked_of_others(open_page, address):
    lab = open_page(f"{address}#linear&epochs=2")
    asked = []
    lab.page.context.on("request", lambda request: asked.append(request.url))
    lab.page.reload()
    lab.shown()
    lab.button("Start").focus()
    lab.page.keyboard.press("Enter")
    expect(status(lab)).to_have_text(re.compile(r"^Done in"))
    expect(rows(lab)).to_have_count(1)
    accuracy = float(re.search(r"([\d.]+)%", rows(lab).inner_text())[1])
    assert accuracy > 80
    expect(lab.part("First layer's weights").locator("canvas")).to_have_count(10)
    expect(lab.part("Confusion matrix")).to_contain_text("epoch 2")
    lab.screenshot("page-1440")
    own = (address, f"blob:{address}")
    assert [url for url in asked if not url.startswith(own)] == []
    assert lab.page.failures == []


def test_the_controls_are_there_before_300_kilobytes(open_page, address, folder):
    lab = open_page("about:blank")
    asked = []
    lab.page.on("request", lambda request: asked.append(request.url.removeprefix(address)))
    with lab.page.expect_request(re.compile("mnist-train")):
        lab.page.goto(address)
        lab.shown()
    first = next(place for place, name in enumerate(asked) if "mnist-train" in name)
    files = [name or "index.html" for name in asked[:first] if "blob:" not in name]
    assert sum((folder / name).stat().st_size for name in set(files)) < FIRST, files


def test_networks_on_file_say_what_was_drawn(open_page, address):
    lab = open_page(address)
    is_ready(lab)
    answers = lab.page.locator(".ml-answers tbody tr").filter(has_text=ON_FILE)
    said = answers.locator("b").all_inner_texts()
    assert len(said) >= 5
    assert said.count("3") > len(said) / 2
    lab.page.get_by_text("Look inside").click()
    expect(lab.page.locator(".ml-mosaic").first).to_be_visible()
    lab.page.locator(".ml-through").scroll_into_view_if_needed()
    lab.screenshot("page-through")


def test_a_record_is_played_epoch_by_epoch(open_page, address):
    lab = open_page(address)
    lab.shown()
    records = lab.part("Recorded runs")
    records.get_by_label("network of").select_option("cnn")
    records.get_by_label("pace").select_option("step")
    lab.button("Play").click()
    for iteration in ("600", "1,200", "1,800"):
        lab.button("Next epoch").click()
        expect(status(lab)).to_contain_text(f"iteration {iteration}/20,400")
    lab.screenshot("page-record")
    records.get_by_role("button", name="Stop").click()
    expect(rows(lab)).to_contain_text("the recorded run")


def test_a_link_opens_an_experiment_and_follows_it(open_page, address):
    lab = open_page(f"{address}#mlp&rate=0.01&units=100&seed=3")
    lab.shown()
    expect(slider(lab, "learning rate")).to_have_attribute("aria-valuetext", "0.01")
    expect(slider(lab, "hidden units")).to_have_attribute("aria-valuetext", "100")
    expect(slider(lab, "seed")).to_have_value("3")
    slider(lab, "seed").fill("5")
    slider(lab, "seed").press("Enter")
    lab.page.wait_for_url(f"{address}#mlp&rate=0.01&units=100&seed=5")
    lab.page.evaluate("location.hash = '#cnn&filters=4,8'")
    expect(slider(lab, "filters")).to_have_attribute("aria-valuetext", "4 and 8")
    lab.page.get_by_role("button", name="Link").click()
    dialog = lab.page.get_by_role("dialog")
    expect(dialog.get_by_role("textbox")).to_have_value(f"{address}#cnn&filters=4,8")
    expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
    lab.screenshot("page-link")


@pytest.mark.parametrize(
    "link",
    [
        "cnn&<img src=x onerror=alert(1)>&rate=1e999",
        "__proto__&constructor=1&seed=-1",
        "%E0%A4%A",
        "linear&seed=" + 5000 * "9",
    ],
)
def test_a_hostile_address_is_no_more_than_text(open_page, address, link):
    lab = open_page(f"{address}#{link}")
    lab.shown()
    expect(status(lab)).to_contain_text("The address has")
    assert lab.page.locator("img").count() == 0
    expect(lab.button("Start")).to_be_enabled()
    assert lab.page.failures == []


KEPT = """new Promise((resolve) => {
    const { serviceWorker } = navigator;
    if (serviceWorker.controller) resolve();
    serviceWorker.addEventListener("controllerchange", () => resolve());
})"""


def test_it_opens_and_trains_without_a_network(open_page, folder):
    with served(folder) as address:
        lab = open_page(f"{address}#linear&epochs=1")
        is_ready(lab)
        lab.page.evaluate(KEPT)
    lab.page.reload()
    is_ready(lab)
    lab.button("Start").click()
    expect(status(lab)).to_have_text(re.compile(r"^Done in"))
    # What was never loaded cannot come now.
    lab.page.get_by_label("training images").select_option("60000")
    expect(lab.page.locator("#loading")).to_contain_text("mnist-train-1 cannot be loaded")


NEWER = """navigator.serviceWorker.getRegistration().then((registration) =>
    new Promise((resolve) => {
        registration.update();
        const look = () => registration.waiting ? resolve() : setTimeout(look, 50);
        look();
    }))"""
ONE_LEFT = """new Promise((resolve) => {
    const look = async () => {
        const names = await caches.keys();
        if (names.length === 1) resolve(names[0]);
        else setTimeout(look, 50);
    };
    look();
})"""


def test_a_newer_page_takes_the_place_of_what_was_kept(open_page, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    with served(copy) as address:
        lab = open_page(address)
        is_ready(lab)
        lab.page.evaluate(KEPT)
        old = lab.page.evaluate(ONE_LEFT)
        for name, place in (("service-worker.js", 'VERSION = "'), ("index.html", "<title>")):
            text = (copy / name).read_text("utf-8")
            (copy / name).write_text(text.replace(place, f"{place}newer "), "utf-8")
        lab.page.evaluate(NEWER)
        lab.page.goto("about:blank")
        lab.page.goto(address)
        expect(lab.page).to_have_title(re.compile("^newer "))
        new = lab.page.evaluate(ONE_LEFT)
        assert new != old
        assert " newer " in new


@pytest.fixture
def broken(folder, tmp_path):
    """Return a function that copies the page, and spoils one of its files."""

    def broken(name, spoilt):
        copy = shutil.copytree(folder, tmp_path / "copy")
        (target,) = (copy / "files").glob(f"{name}.*")
        target.write_bytes(spoilt(target.read_bytes()))
        return copy

    return broken


def test_half_a_file_is_said_and_the_rest_goes_on(open_page, broken):
    with served(broken("mnist-train-0", lambda content: content[:1000])) as address:
        lab = open_page(address)
        lab.shown()
        expect(lab.page.locator("#loading")).to_contain_text("mnist-train-0 is not complete.")
        lab.button("Start").click()
        expect(status(lab)).to_contain_text("mnist-train-0 is not complete.")
        expect(lab.page.locator("#share")).to_be_hidden()
        lab.button("Play").click()
        expect(status(lab)).to_contain_text(PLAYS)
        lab.screenshot("page-broken")


def test_a_changed_program_is_not_run(open_page, broken):
    with served(broken("worker.js", lambda content: content[:-9] + b"x" + content[-8:])) as address:
        lab = open_page(address)
        trouble = lab.page.get_by_role("alert")
        expect(trouble).to_contain_text("worker.js is not the file that belongs to this page.")


def test_a_browser_without_workers_is_told_so(open_page, address):
    lab = open_page(address, script="delete globalThis.Worker")
    expect(lab.page.get_by_role("alert")).to_contain_text("This browser has no Worker")


# What the Worker begins with, before its own program.
BEGINS = """const Usual = Blob;
globalThis.Blob = class extends Usual {
    constructor(parts, options) {
        super(options?.type === "text/javascript" ? [%r, ...parts] : parts, options)
    }
}"""


def test_without_vectors_in_webassembly_records_play(open_page, address):
    refused = "WebAssembly.compile = async () => { throw new Error('no vectors') };"
    lab = open_page(address, script=BEGINS % refused)
    is_ready(lab)
    lab.button("Start").click()
    expect(status(lab)).to_contain_text("This browser cannot train")
    lab.button("Play").click()
    expect(status(lab)).to_contain_text(PLAYS)


def test_without_storage_digits_are_kept_until_the_page_is_closed(open_page, address):
    hidden = "Object.defineProperty(self, 'indexedDB', { value: undefined });"
    lab = open_page(address, script=BEGINS % hidden)
    is_ready(lab)
    lab.page.get_by_text("Keep it as a …").click()
    lab.page.get_by_role("button", name="Keep it as").click()
    expect(lab.page.get_by_text("1 until this page is closed")).to_be_visible()
    expect(lab.page.get_by_role("list", name="kept digits").locator("canvas")).to_have_count(1)


MEASURED = """() => new Promise((resolve) => {
    indexedDB.open("mnist-lab").onsuccess = ({target: {result: database}}) => {
        const asked = database.transaction("kept").objectStore("kept").get("speeds");
        asked.onsuccess = () => resolve(Object.keys(asked.result ?? {}).some(
            (network) => network.startsWith("linear ")));
        database.close();
    };
})"""


def test_kept_digits_and_measured_speeds_are_there_again(open_page, address):
    lab = open_page(f"{address}#linear&epochs=1")
    is_ready(lab)
    lab.page.get_by_text("Keep it as a …").click()
    for count in (1, 2):
        lab.page.get_by_role("button", name="Keep it as").click()
        expect(lab.page.get_by_text(f"{count} on this device")).to_be_visible()
        lab.draw(".ml-field", THREE)
    lab.button("Start").click()
    expect(status(lab)).to_have_text(re.compile(r"^Done in"))
    lab.page.wait_for_function(MEASURED)
    lab.page.reload()
    lab.shown()
    expect(lab.page.get_by_role("list", name="kept digits").locator("canvas")).to_have_count(2)
    expect(lab.part("Network")).to_contain_text(re.compile(r" · [\d.]+ s to train"))
    lab.button("Take back").click()
    expect(lab.page.get_by_text("1 on this device")).to_be_visible()


REQUEST = "fetch(%r).then(() => 'reached', () => 'refused')"
IN_A_WORKER = """new Promise((resolve) => {
    const code = new Blob([%r]);
    new Worker(URL.createObjectURL(code)).onmessage = ({ data }) => resolve(data);
})"""


def test_no_other_address_can_be_reached(open_page, address, folder, file):
    with served(folder) as other:
        request = REQUEST % f"{other}icon.svg"
        inside = IN_A_WORKER % f"{request}.then(postMessage)"
        for page in (address, file.as_uri()):
            lab = open_page(page)
            lab.shown()
            assert lab.page.evaluate(request) == "refused"
            assert lab.page.evaluate(inside) == "refused"
        # The same requests, where no policy forbids them.
        free = open_page(f"{other}icon.svg")
        assert free.page.evaluate(request) == free.page.evaluate(inside) == "reached"


def test_one_file_trains_by_a_double_click(open_page, file):
    lab = open_page(f"{file.as_uri()}#linear&epochs=1")
    asked = []
    lab.page.on("request", lambda request: asked.append(request.url))
    is_ready(lab)
    lab.button("Start").click()
    expect(status(lab)).to_have_text(re.compile(r"^Done in"))
    assert [url for url in asked if url.startswith("http")] == []
    assert lab.page.failures == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1440])
def test_it_fits_a_phone_and_axe_finds_nothing(open_page, address, width, dark):
    lab = open_page(
        f"{address}#linear&epochs=1", width=width, height=800, has_touch=width == 360,
        color_scheme="dark" if dark else "light",
    )  # fmt: skip
    is_ready(lab)
    lab.button("Start").click()
    expect(status(lab)).to_have_text(re.compile(r"^Done in"))
    lab.settled()
    assert lab.page.evaluate("document.documentElement.scrollWidth") <= width
    assert found_by_axe(lab.page) == []
    lab.page.evaluate("scrollTo(0, 0)")
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"page-{width}-{'dark' if dark else 'light'}.png"
    lab.page.screenshot(path=path, full_page=True)


def test_a_finger_draws(open_page, address):
    lab = open_page(address, width=360, height=800, has_touch=True)
    is_ready(lab)
    lab.button("Clear").tap()
    expect(lab.page.locator(".ml-answers")).to_be_hidden()
    field = lab.page.locator(".ml-field")
    field.scroll_into_view_if_needed()
    field.tap()
    expect(lab.page.locator(".ml-answers")).to_be_visible()


# Firefox: the same page.

firefox = pytest.mark.skipif(not shutil.which("firefox-esr"), reason="no firefox-esr here")
STATUS = "document.querySelector('.ml-status').textContent"
PRESS = (
    "[...document.querySelectorAll('.mnist-lab button')].find(it => it.textContent == %r).click()"
)
ANSWERS = "[...document.querySelectorAll('.ml-answers tbody tr')].length"


@pytest.fixture(scope="module")
def fox(tmp_path_factory):
    with run_firefox("firefox-esr", tmp_path_factory.mktemp("firefox")) as page:
        page.resize(1440, 1000)
        yield page


@firefox
@pytest.mark.parametrize("single", [False, True])
def test_firefox_trains_and_answers_too(fox, address, file, single):
    fox.open((file.as_uri() if single else address) + "#linear&epochs=1")
    fox.wait_for("document.querySelector('.ml-grid') != null")
    fox.evaluate(PRESS % "Start")
    fox.wait_for(f"{STATUS}.startsWith('Done in')")
    fox.evaluate("document.querySelector('.ml-field').scrollIntoView()")
    box = fox.box(".ml-field")
    fox.drag(*[(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in THREE])
    fox.wait_for(f"{ANSWERS} >= 6")  # one more than on file
    fox.evaluate(PRESS % "Play")
    fox.wait_for(f"new RegExp({PLAYS.pattern!r}).test({STATUS})")
    fox.screenshot(SCREENSHOTS / f"page-firefox-{'file' if single else 'folder'}.png")


@firefox
def test_firefox_opens_without_a_network_too(fox, folder):
    with served(folder) as address:
        fox.open(address)
        fox.wait_for("document.querySelector('.ml-grid') != null")
        fox.wait_for("navigator.serviceWorker.controller != null")
    fox.open(f"{address}#linear&epochs=1")
    fox.wait_for("document.querySelector('.ml-grid') != null")
    fox.evaluate(PRESS % "Start")
    fox.wait_for(f"{STATUS}.startsWith('Done in')")
