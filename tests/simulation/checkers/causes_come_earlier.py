"""Every cause that a fact names was told before it."""


def check(facts: list[dict]) -> None:
    """Fails on the first fact whose cause is unknown or later."""
    told: set[str] = set()
    for fact in facts:
        unknown = [cause for cause in fact.get("causes", ()) if cause not in told]
        assert not unknown, f"{fact['kind']} {fact.get('id')} names causes that nobody told before: {unknown}"
        told.add(fact.get("id", ""))
