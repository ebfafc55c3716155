"""The words the sample is made of: companies, people and places. All of them invented, or far too common."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Place:
    """Where a customer sits, and which names its people have."""

    country: str
    timezone: str
    tongue: str
    locale: str


PLACES = (
    Place("US", "America/New_York", "english", "en-US"),
    Place("US", "America/Chicago", "english", "en-US"),
    Place("US", "America/Los_Angeles", "english", "en-US"),
    Place("CA", "America/Toronto", "english", "en-CA"),
    Place("GB", "Europe/London", "english", "en-GB"),
    Place("IE", "Europe/Dublin", "irish", "en-IE"),
    Place("DE", "Europe/Berlin", "german", "de-DE"),
    Place("AT", "Europe/Vienna", "german", "de-AT"),
    Place("FR", "Europe/Paris", "french", "fr-FR"),
    Place("ES", "Europe/Madrid", "spanish", "es-ES"),
    Place("SE", "Europe/Stockholm", "nordic", "sv-SE"),
    Place("DK", "Europe/Copenhagen", "nordic", "da-DK"),
    Place("PL", "Europe/Warsaw", "polish", "pl-PL"),
    Place("BR", "America/Sao_Paulo", "portuguese", "pt-BR"),
    Place("MX", "America/Mexico_City", "spanish", "es-MX"),
    Place("IN", "Asia/Kolkata", "indian", "en-IN"),
    Place("SG", "Asia/Singapore", "indian", "en-SG"),
    Place("JP", "Asia/Tokyo", "japanese", "ja-JP"),
    Place("AU", "Australia/Sydney", "english", "en-AU"),
    Place("NZ", "Pacific/Auckland", "english", "en-NZ"),
    Place("ZA", "Africa/Johannesburg", "english", "en-ZA"),
    Place("KE", "Africa/Nairobi", "african", "en-KE"),
    Place("NG", "Africa/Lagos", "african", "en-NG"),
)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_STEMS = _listed(
    """
    Alder Amber Anvil Aster Basalt Beacon Birch Bramble Brightwater Cedar Cinder Clearfield Cobalt Copper
    Coral Crestline Cypress Dovetail Driftwood Eastgate Eldersund Ember Fairhaven Falkenberg Fennel Ferngrove
    Fjordlund Foxglove Garnet Goldfinch Granite Greyfriars Halcyon Harbour Hawthorn Hazelmere Heron Highmoor
    Höhenweg Ironbridge Juniper Kestrel Kingfisher Königsee Lantern Larkspur Lindqvist Loch&Vale Marigold
    Meridian Millrace Moorland Nightingale Nordlicht Northwind Oakhaven Obsidian O'Malley Orchard Osprey
    Palisade Pebble Pinecrest Plover Quarry Quillon Ravel Redwood Ridgeway Rosewater Rowan Sablé Saffron
    Sandpiper Silverbrook Slate Sorrel Springtide Stonebridge Summit Swiftwater Tamarind Terrapin Thistle
    Tidewater Timberline Ursa Valebrook Verdigris Vinterstad Wayfarer Westmark Willow Wren Yarrow Zephyr
    """
)

_TRADES = _listed(
    """
    Logistics Foods Analytics Textiles Robotics Health Energy Studios Freight Insurance Instruments Publishing
    Outdoor Bank Diagnostics Mobility Education Mining Airways Pharma Software Hotels Packaging Legal Dental
    Media Timber Fisheries Motors Security Telecom Estates
    """
)

_FORMS = (
    "",
    " Group",
    " Partners",
    " Works",
    " Collective",
    " International",
    " Labs",
    " & Sons",
    " Holdings",
)

_GIVEN = {
    "english": "Amelia Ben Charlotte Daniel Ella Finn Grace Henry Isla Jack Kate Liam Mia Noah Ruth Sam Zoe",
    "irish": "Aoife Ciarán Niamh Oisín Saoirse Seán Róisín Declan",
    "german": "Anke Björn Jörg Käthe Lukas Mareike Matthias Sabine Tobias Ulrike Zoë Jürgen",
    "french": "Amélie Benoît Chloé Étienne Hélène Jérôme Margaux Noël Théo Camille",
    "spanish": "Álvaro Begoña Carlos Inés José Lucía Martín Nuria Sofía Íñigo",
    "nordic": "Åsa Erik Freja Ingrid Jens Lærke Mikkel Søren Astrid Øyvind",
    "polish": "Agnieszka Bartosz Łukasz Małgorzata Paweł Zofia Grażyna Michał",
    "portuguese": "Beatriz Caio João Luísa Mateus Thaís Antônio Inês",
    "indian": "Aarav Ananya Deepa Ishaan Kavya Priya Rohan Vikram Wei Mei-Ling",
    "japanese": "Aiko Haruto Kenji Naoko Ren Sakura Takumi Yui",
    "african": "Amara Chidi Emeka Folake Kamau Ngozi Njeri Tunde Wanjiku Zainab",
}

_FAMILY = {
    "english": "Ashworth Bennett Carver Dalton Ellery Fletcher Gale Hart Keller Lowell Marsh Okafor Pryce",
    "irish": "O'Brien O'Connor Ní-Dhomhnaill Byrne Fitzgerald O'Shea",
    "german": "Bäcker Fuchs Größler Hübner Köhler Lindemann Möller Schäfer Weiß Zimmermann von-Arnim",
    "french": "Beauchêne D'Aubigny Garçon Lefèvre Marchand Noël Rousseau L'Hôte",
    "spanish": "Núñez Ibáñez García Peña Domínguez Castaño Ruiz Vázquez",
    "nordic": "Ångström Bergström Dahl Håkansson Kjær Lindqvist Nygård Sørensen",
    "polish": "Dąbrowski Jabłońska Kowalczyk Nowak Wójcik Żuk Śliwa",
    "portuguese": "Araújo Conceição Gonçalves Magalhães Simões Ribeiro",
    "indian": "Banerjee D'Souza Iyer Kapoor Mehta Nair Sharma Tan Lim",
    "japanese": "Fujimoto Hayashi Inoue Kobayashi Ōta Tanaka Yamamoto",
    "african": "Adeyemi Achieng Balogun Eze Kiptoo Mwangi N'Dour Okoye Otieno Wanjala",
}
_GIVEN_LISTS = {tongue: _listed(names) for tongue, names in _GIVEN.items()}
_FAMILY_LISTS = {tongue: _listed(names) for tongue, names in _FAMILY.items()}

INDUSTRIES = (
    "manufacturing", "retail", "software", "healthcare", "logistics", "education", "finance", "media",
    "energy", "hospitality",
)  # fmt: skip
PLANS = {
    "high_touch": ("Enterprise", "Enterprise Plus"),
    "low_touch": ("Business", "Business Plus"),
    "tech_touch": ("Starter", "Team"),
}
TICKETS = (
    "Export stops at 10,000 rows",
    "Single sign-on loop after password change",
    "Dashboard shows last month's numbers",
    "How do I add a colleague from another office?",
    "Import refuses our date format",
    "Invoice has the wrong address",
    "Notifications arrive twice",
    "API answers 429 during the nightly run",
    "Can't find the archived projects",
    "Mobile app logs me out",
)


def company(index: int) -> str:
    """The name of the customer of that number; no two of the first 27,000 share one."""
    stem = _STEMS[index % len(_STEMS)]
    turn = index // len(_STEMS)
    trade = _TRADES[(index % len(_STEMS) * 7 + turn) % len(_TRADES)]
    form = _FORMS[turn // len(_TRADES) % len(_FORMS)]
    name = f"{stem.replace('&', ' & ')} {trade}{form}"
    series = turn // (len(_TRADES) * len(_FORMS))
    return f"{name} {series + 1}" if series else name


def person(draw: Random, tongue: str) -> str:
    """A full name as it is common in one language."""
    given = draw.choice(_GIVEN_LISTS[tongue])
    return f"{given} {draw.choice(_FAMILY_LISTS[tongue]).replace('-', ' ')}"
