"""How each method works, one click below its choice: none is left out, in either language."""

import re
from pathlib import Path
from typing import get_args

from playground.config.methods import METHODS
from playground.core.losses import PreferenceLoss
from playground.ui.i18n import LOCALES, texts

FORMULAS = Path(__file__).resolve().parents[2] / "assets" / "js" / "method_formulas.js"


def test_every_method_has_a_formula_a_source_and_words() -> None:
    script = FORMULAS.read_text(encoding="utf-8")
    parts = dict(re.findall(r"^  (\w+): \{\n(.*?)^  \},", script, re.MULTILINE | re.DOTALL))
    assert set(parts) == set(METHODS)
    for name, part in parts.items():
        assert re.search(r"formulas: \[\s*[\"`]", part), name
        assert re.search(r"sources: \[.+\]", part), name
        for locale in LOCALES:
            for key in (f"method.{name}.help", f"method.{name}.how", f"method.{name}.symbols"):
                assert texts(locale)[key], key


def test_every_loss_of_dpo_has_its_formula() -> None:
    script = FORMULAS.read_text(encoding="utf-8")
    named = re.findall(r'^      \["(\w+)", "[^"]+", (?:arxiv\(|RAFAILOV|APO)', script, re.MULTILINE)
    assert named == list(get_args(PreferenceLoss))
