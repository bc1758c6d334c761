"""Names the rules of house.py: each limit with its reason, and the way out of a breach."""

from dataclasses import dataclass, field


@dataclass
class Rule:
    """A heading of the report: its limit with the reason, and the way out of a breach.

    A rule without a limit only informs.
    """

    heading: str
    limit: float | None
    reason: str
    way_out: str = ""
    value: float = 0
    unit: str = ""
    places: list[tuple[str, str]] = field(default_factory=list)

    def is_broken(self) -> bool:
        """Returns whether the value is above the limit."""
        return self.limit is not None and self.value > self.limit

    def count(self, places: list[tuple[str, str]]) -> None:
        """Takes the places, and their number as the value."""
        self.places = places
        self.value = len(places)


def rules() -> dict[str, Rule]:
    """Returns every rule with its limit and the reason for the limit."""
    per_1000 = "per 1,000 words"
    worst = "per 1,000 words in the worst crate"
    noun = "name the thing: a noun or a verb that a reader can search for"
    return {
        "circles": Rule(
            "Circles between files",
            0,
            "no file of a circle can be read alone",
            "move what both need to a file below both",
        ),
        "parents": Rule(
            "Circles through mod.rs or lib.rs",
            0,
            "a parent's file declares, its children never import from it",
            "name the leaf file in the import, and move types of the parent's file to a leaf file",
        ),
        "rooms": Rule(
            "Pairs of rooms with arrows both ways",
            0,
            "the top folders of a crate have an order",
            "move what both need to the lower room",
        ),
        "folders": Rule("Circles of entries in any folder", None, "they show tangles inside rooms"),
        "order": Rule(
            "Dependencies against the order of crates",
            0,
            "house.toml is the map",
            "pass the value in from above, or move it to a crate below",
        ),
        "homes": Rule(
            "Libraries outside of their home",
            0,
            "a large library has one home",
            "use it through the home's functions",
        ),
        "entries": Rule(
            "Entries in the fullest folder",
            12,
            "a dozen names are seen at a glance",
            "group the files in folders by task",
            unit="entries",
        ),
        "long": Rule(
            "Files above 500 lines",
            0,
            "a longer file does more than one thing",
            "move one task to a file of its own",
        ),
        "parent-items": Rule(
            "mod.rs and lib.rs that define items",
            0,
            "they declare and re-export only",
            "move the items to leaf files",
        ),
        "docs": Rule(
            '"what" in doc comments',
            3,
            "other projects have 0.2 to 0.6",
            noun,
            unit=worst,
        ),
        "say": Rule(
            '"say", "tell", "ask", "hear" in doc comments', None, "things do not speak", unit=worst
        ),
        "many": Rule(
            '"so many", "whoever", "nobody" in doc comments', None, "they hide the noun", unit=worst
        ),
        "lie": Rule(
            '"lie", "stand", "come", "become" in doc comments',
            None,
            "they hide the verb",
            unit=worst,
        ),
        "texts": Rule(
            '"what" in texts of the program', 3, "as in doc comments", noun, unit=per_1000
        ),
        "help": Rule(
            '"what" in docs of the command line (its help)',
            3,
            "as in doc comments",
            noun,
            unit=per_1000,
        ),
        "pages": Rule('"what" in docs/ and README', 3, "as in doc comments", noun, unit=per_1000),
        "first-lines": Rule(
            "First lines of modules",
            0,
            "a list of first lines is the map of a folder",
            "begin with a verb phrase of at most 12 words",
        ),
        "doc-starts": Rule(
            "Docs that begin with What, Whoever or Where",
            0,
            "the noun comes first",
            "begin with a noun or a verb",
        ),
        "phrases": Rule('Texts with "What of" and its like', 0, "a message names the thing", noun),
        "tests": Rule(
            "Names of tests above 60 characters",
            0,
            "longer names are cut in reports",
            "write subject_condition_result, and the rest to the docstring",
        ),
        "names": Rule(
            "Names of the old language",
            0,
            "the field's terms are searched for",
            "take the term of GLOSSARY.md",
        ),
        "of": Rule("Constructors named `of`", None, "`new`, `from_…` and `parse` are idiomatic"),
    }
