"""The page of one source in a real browser: it plays, a click jumps, a drag and keys zoom, and nothing is asked of a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.report import views
from tests.report.browser import opened, until
from torchcpc.report import write_recording_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

SECONDS = 7.0


def panel(page: Page, number: int) -> tuple[float, float, float, float]:
    """Left, top, width and height on the screen of the frame of a panel, inside its axes."""
    found = page.evaluate(
        """(number) => {
            const views = Object.values(Bokeh.index)[0] ?? Bokeh.index.roots[0];
            const seen = [];
            const walk = (view) => {
                if (view.frame && view.model.type === "Figure") seen.push(view);
                for (const child of view.child_views ?? []) walk(child);
            };
            walk(views);
            const own = seen[number], box = own.frame.bbox, at = own.el.getBoundingClientRect();
            return [at.left + box.left, at.top + box.top, box.width, box.height];
        }""",
        number,
    )
    return tuple(found)


def place(page: Page) -> float:
    return page.evaluate("timeline.place")


def test_it_plays_and_a_click_jumps_and_a_drag_zooms(tmp_path: Path) -> None:
    with opened(write_recording_page(tmp_path / "page.html", views.speech(SECONDS))) as (page, faults):
        # Sound moves the cursor.
        page.evaluate("document.querySelector('#sound').play()")
        until(page, "timeline.place > 0.3")
        page.evaluate("document.querySelector('#sound').pause()")
        heard = page.evaluate("document.querySelector('#sound').currentTime")
        until(page, f"Math.abs(timeline.place - {heard}) < 0.1")
        assert page.evaluate("document.querySelector('#sound').duration") == pytest.approx(SECONDS, abs=0.01)
        # A click at three quarters moves both.
        left, top, width, height = panel(page, 1)
        page.mouse.click(left + 0.75 * width, top + height / 2)
        until(page, f"Math.abs(timeline.place - {0.75 * SECONDS}) < 0.05")
        until(page, f"Math.abs(document.querySelector('#sound').currentTime - {0.75 * SECONDS}) < 0.05")
        assert "5.2" in page.inner_text("#readout") and "surprise" in page.inner_text("#readout")
        # A drag over the second quarter zooms to it, in every panel.
        page.mouse.move(left + 0.25 * width, top + height / 2)
        page.mouse.down()
        page.mouse.move(left + 0.4 * width, top + height / 2, steps=5)
        page.mouse.move(left + 0.5 * width, top + height / 2, steps=5)
        page.mouse.up()
        until(page, f"timeline.view[1] - timeline.view[0] < {0.3 * SECONDS}")
        assert page.evaluate("timeline.view") == pytest.approx([0.25 * SECONDS, 0.5 * SECONDS], abs=0.1)
        assert faults == []


def test_keys_zoom_and_move_and_play(tmp_path: Path) -> None:
    with opened(write_recording_page(tmp_path / "page.html", views.speech(SECONDS))) as (page, faults):
        page.evaluate("timeline.jump(3)")
        page.focus("#panels")
        page.keyboard.press("+")
        page.keyboard.press("+")
        until(page, f"Math.abs(timeline.view[1] - timeline.view[0] - {SECONDS / 4}) < 0.01")
        begin, end = page.evaluate("timeline.view")
        assert begin < 3 < end
        page.keyboard.press("ArrowRight")
        until(page, f"Math.abs(timeline.view[0] - {begin + 0.2 * (end - begin)}) < 0.01")
        page.keyboard.press("-")
        until(page, f"Math.abs(timeline.view[1] - timeline.view[0] - {SECONDS / 2}) < 0.01")
        before = place(page)
        page.keyboard.press("Shift+ArrowRight")
        until(page, f"timeline.place > {before}")
        page.keyboard.press("Home")
        until(page, f"timeline.view[1] - timeline.view[0] > {SECONDS - 0.01}")
        page.keyboard.press("Space")
        until(page, f"timeline.place > {place(page) + 0.2}")
        assert not page.evaluate("document.querySelector('#sound').paused")
        assert faults == []


def test_a_series_has_dates_and_a_text_its_sentences(tmp_path: Path) -> None:
    with opened(write_recording_page(tmp_path / "series.html", views.series()), width=400) as (page, faults):
        left, top, width, height = panel(page, 0)
        page.mouse.click(left + 0.5 * width, top + height / 2)
        until(page, "document.querySelector('#readout').innerText.includes('2026-11-13 2')")
        assert "pressure 0" in page.inner_text("#readout")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert faults == []
    with opened(write_recording_page(tmp_path / "text.html", views.text()), width=400) as (page, faults):
        page.click("#text p[data-n='7']")
        until(page, "timeline.place === 7")
        page.evaluate("timeline.jump(31.2)")
        assert page.inner_text("#text p.here").endswith("dark night 30.")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert faults == []


@pytest.mark.parametrize(
    "view", [views.series(name="</script><script>alert(1)</script>$$x$$"), views.text(words="</p><img src=x onerror=alert(1)>")]
)
def test_names_and_texts_of_users_do_nothing(tmp_path: Path, view: views.RecordingView) -> None:
    with opened(write_recording_page(tmp_path / "page.html", view)) as (page, faults):
        assert page.evaluate("document.querySelectorAll('img, #text p p').length") == 0
        assert faults == []
