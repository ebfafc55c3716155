"""The playbooks of one test, with their templates, as the engine asks for them."""

from dataclasses import dataclass, field
from datetime import datetime

from engine.conditions.catalogue import Catalogue
from engine.fold.world import LivePlaybook, World
from engine.health.model import LiveHealth, health_model
from engine.permit.unsubscribe import UnsubscribeLinks
from engine.render.templates import Renderer
from engine.rulebook import read_layout
from engine.rulefile.load import Rules
from engine.rulefile.model import Playbook
from engine.runs.owners import Person
from engine.settings import Settings
from engine.worlds import make_world

_KEY = "a test of a playbook"
"""Signs the unsubscribe links of emails that are never sent."""


@dataclass
class RuleShelf:
    """Implements `worlds.Shelf` over rules that are read already, which must be sound."""

    settings: Settings
    catalogue: Catalogue
    rules: Rules
    titles: Renderer = field(default_factory=lambda: Renderer({}))
    _renderers: dict[str, Renderer] = field(default_factory=dict)

    def playbook(self, version: str) -> Playbook:
        """The playbook of a version. Raises KeyError for one that is not among the rules."""
        return self._by_version[version]

    def renderer(self, version: str) -> Renderer:
        """The templates of a version, within the layout of today."""
        if version not in self._renderers:
            files = self.rules.files[self.playbook(version).name]
            self._renderers[version] = Renderer({**files, **read_layout(self.settings)})
        return self._renderers[version]

    def unsubscribe_url(self, contact_id: str, topic: str) -> str:
        """A link as real ones are, that no installation accepts."""
        return UnsubscribeLinks(self.settings.console.public_url, _KEY).url(contact_id, topic)

    def world(self, people: dict[str, Person], since: datetime) -> World:
        """A world in which all the playbooks go live at `since`."""
        playbooks = sorted(self.rules.playbooks, key=lambda each: each.name)
        live = tuple(LivePlaybook(each, since, since) for each in playbooks)
        return make_world(self, live, people, self._health(since))

    def _health(self, since: datetime) -> LiveHealth | None:
        settings = self.settings.health
        return LiveHealth(health_model(settings, self.catalogue), since) if settings.components else None

    @property
    def _by_version(self) -> dict[str, Playbook]:
        return {each.version: each for each in self.rules.playbooks}
