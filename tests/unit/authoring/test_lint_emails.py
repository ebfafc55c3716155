"""`tminus check` looks at emails as they will be."""

from pathlib import Path

import pytest

from engine.authoring.lint_emails import email_warnings
from engine.conditions.catalogue import BUILT_IN
from engine.render.email import LAYOUT
from engine.rulefile.configured import read_rules
from engine.settings import Settings, load_settings

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("part", "text", "expected"),
    [
        ("body.html.j2", "<p>Hi</p>\n<a href='https://x.example'>Click here</a>", [("body.html.j2", 2)]),
        (
            "body.html.j2",
            "{% if contact.name is defined %}\n\n<img src='https://x.example/a.png'>Hi{% endif %}",
            [("body.html.j2", 3)],
        ),
        ("body.html.j2", "<p style='color: #ddd'>{{ contact.name }}</p>", [("body.html.j2", 1)]),
        ("subject.txt.j2", "x" * 61, [("subject.txt.j2", 1)]),
        ("body.html.j2", "<a href='{{ contact.name }}'>Your site</a>", []),
        ("body.html.j2", "{{ 'Open your report' | button('https://x.example') }}", []),
    ],
)
def test_email_warnings_name_the_template_and_the_line(
    tmp_path: Path, part: str, text: str, expected: list[tuple[str, int]]
) -> None:
    """What cannot be rendered with stand-ins is left to the preview."""
    settings, texts = shipped(tmp_path)
    texts[f"templates/emails/nps-survey/{part}"] = text
    playbook = next(each for each in read_rules(settings, BUILT_IN).playbooks if each.name == "nps-survey")
    found = [
        (path.rpartition("/")[2], line)
        for path, line, _ in email_warnings(playbook, texts, settings, BUILT_IN)
    ]
    assert found == expected


def test_email_warnings_of_the_layout_stand_there(tmp_path: Path) -> None:
    """A layout of one's own is looked at as well."""
    settings, texts = shipped(tmp_path)
    folder = tmp_path / "templates"
    (folder / "emails").mkdir(parents=True)
    (folder / LAYOUT.removeprefix("templates/")).write_text("\n<html><body>{{ body }}</body></html>")
    playbook = next(each for each in read_rules(settings, BUILT_IN).playbooks if each.name == "nps-survey")
    changed = settings.model_copy(update={"templates": folder})
    assert list(email_warnings(playbook, texts, changed, BUILT_IN)) == [
        (LAYOUT, 2, 'the page says no language; write <html lang="{{ language }}">')
    ]


def shipped(tmp_path: Path) -> tuple[Settings, dict[str, str]]:
    """The settings that ship, and the texts of a playbook that sends one email."""
    found = load_settings(ROOT / "config.yaml")
    settings = found.model_copy(update={"rules": ROOT / "rules", "templates": ROOT / "templates"})
    return settings, dict(read_rules(settings, BUILT_IN).files["nps-survey"])
