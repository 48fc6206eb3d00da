"""What is known of a member, written anew from its description: what events told, in force from when they occurred."""
from __future__ import annotations

from dataclasses import dataclass, field

KEPT = 4  # of each, the newest; what occurred before all of them goes by the oldest
UNKNOWN = {"zone": "", "language": "", "birthday": "", "segments": [], "consent": False, "chosen_currency": "", "attributes": {}}


@dataclass
class Profile:
    told: list = field(default_factory=list)  # (since, facts), oldest first
    standings: list = field(default_factory=list)  # (since, whether the member is in)
    forgot: dict = field(default_factory=dict)  # name of a list above -> True where older ones were dropped

    def take(self, event: dict):
        """An event of kind enrolled, updated or left."""
        at = event["occurred_at"]
        if event["kind"] in ("enrolled", "updated"):
            self.add("told", (at, {name: event.get(name) or empty for name, empty in UNKNOWN.items()}))
        if event["kind"] in ("enrolled", "left"):
            self.add("standings", (at, event["kind"] == "enrolled"))

    def add(self, name: str, news: tuple):
        known = getattr(self, name)
        if news not in known:
            known.append(news)
            known.sort(key=lambda item: item[0])
        if len(known) > KEPT:
            del known[0]
            self.forgot[name] = True

    def unite(self, other: "Profile"):
        for name in ("told", "standings"):
            for news in getattr(other, name):
                self.add(name, news)
            if other.forgot.get(name) and len(getattr(self, name)) == KEPT:
                self.forgot[name] = True

    def in_force(self, name: str, at: int):
        """None where nothing was."""
        known = getattr(self, name)
        before = [value for since, value in known if since <= at]
        if before:
            return before[-1]
        return known[0][1] if self.forgot.get(name) else None

    def facts(self, at: int) -> dict:
        return self.in_force("told", at) or UNKNOWN

    def counts(self, at: int, enrolment_required: bool) -> bool:
        """Whether what earns counts: not of members who left, nor of those who have to enrol first and did not."""
        standing = self.in_force("standings", at)
        return not enrolment_required if standing is None else standing
