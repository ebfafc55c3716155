"""What the settings say of emails is checked when they are read."""

from pathlib import Path

import pytest

from engine.settings import ConfigError, load_settings


@pytest.mark.parametrize(
    ("email", "message"),
    [
        (
            'colours: {accent: "#7db0ff"}',
            "email.colours: Value error, accent #7db0ff on card #ffffff has a contrast of 2.2 to 1, "
            "and text needs 4.5; one that can be read there is #",
        ),
        ('dark_colours: {card: "#ffffff"}', "email.dark_colours: Value error, text #e4e8ec on card #ffffff"),
        ('colours: {button_text: "#0f5bd3"}', "button_text #0f5bd3 on accent #0f5bd3"),
        (
            "colours: {accent: blueish}",
            'email.colours.accent: Value error, "blueish" is no colour; write it as',
        ),
        ('colours: {acent: "#000"}', "email.colours.acent: Extra inputs are not permitted"),
        ("logo: {url: logo.png, alt: Acme}", 'email.logo.url: Value error, "logo.png" is no web address'),
        ("logo: {url: 'https://x.example/a b.png', alt: Acme}", "is no web address"),
        (
            "logo: {url: https://x.example/l.png, alt: ' '}",
            "email.logo.alt: Value error, must say what stands there",
        ),
        (
            "logo: {url: https://x.example/l.png, alt: A, width: 900}",
            "email.logo.width: Input should be less than",
        ),
        ("feedback_id: a-b", "email.feedback_id: Value error, must have 5 to 15 letters and digits"),
    ],
)
def test_settings_refuse_an_email_nobody_could_read(tmp_path: Path, email: str, message: str) -> None:
    """With the setting, what is wrong, and what would do."""
    file = tmp_path / "config.yaml"
    file.write_text(f"email:\n  {email}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert message in str(caught.value)


def test_settings_take_the_colours_they_suggest(tmp_path: Path) -> None:
    """The mend in the message is one."""
    file = tmp_path / "config.yaml"
    file.write_text('email: {colours: {accent: "#7db0ff"}}', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    suggested = str(caught.value).rpartition(" ")[2]
    file.write_text(f'email: {{colours: {{accent: "{suggested}"}}}}', encoding="utf-8")
    assert load_settings(file).email.look.colours.accent == suggested
