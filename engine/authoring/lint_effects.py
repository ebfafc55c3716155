"""Playbooks that change what their own trigger asks about."""

from collections.abc import Iterator

from engine.authoring.lint_people import actions_of
from engine.authoring.warning import Warned
from engine.fold.world import Reads, reads
from engine.rulefile.effects import RecordAction, UpdateAction
from engine.rulefile.model import Playbook


def effect_warnings(playbook: Playbook) -> Iterator[Warned]:
    """Every event the playbook records, and field it updates, that its own trigger asks about."""
    asked = _of_trigger(playbook)
    for path, deed in actions_of(playbook):
        if isinstance(deed, RecordAction) and deed.event in asked.events:
            words = f"the playbook's own trigger asks about {deed.event}, so it may start itself"
            yield Warned(f"{path}.record.event", f"record: {words}")
        for each in deed.settings if isinstance(deed, UpdateAction) else ():
            if (each.field.kind, each.field.name) in asked.fields:
                words = f"the playbook's own trigger reads {each.field.path}, so it may start or end itself"
                yield Warned(f"{path}.update", f"update: {words}")


def _of_trigger(playbook: Playbook) -> Reads:
    found = Reads()
    moments = [each for one in playbook.on for each in (one.predicate, one.condition)]
    for condition in (playbook.audience, playbook.when, *moments):
        if condition is not None:
            found |= reads(condition)
    return found
