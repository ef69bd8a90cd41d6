"""What a checker raises: a promise of Kafka's that this run has broken, with the evidence."""


class Anomaly(AssertionError):
    """`checker`: the name of the checker's file. `sentence`: what was promised. `evidence`: the facts and entries that contradict it."""

    def __init__(self, checker: str, sentence: str, *evidence: object) -> None:
        self.checker = checker
        self.sentence = sentence
        self.evidence = evidence
        super().__init__("\n".join([f"{checker}: {sentence}", *(f"    {one}" for one in evidence)]))

    def __reduce__(self) -> tuple:
        """Goes from the process that played the run to the one that counts; the evidence goes in words."""
        return type(self), (self.checker, self.sentence, *map(str, self.evidence))
