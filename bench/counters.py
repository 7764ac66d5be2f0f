"""What the fleet and the database count by themselves, as differences over a run."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from bench.stage import Stage

_SUMS = {
    "transaction_restarts_total": "transactions restarted",
    "fenced_writes_total": "writes fenced off",
    "drain_retries_total": "jobs put back",
    "requests_shed_total": "requests shed",
}
_BATCHES = {"drain_batch_size": "drain", "intake_batch_size": "intake"}
_STATUS = {
    "Innodb_row_lock_waits": "row lock waits",
    "Innodb_row_lock_time": "row lock wait ms",
    "Innodb_deadlocks": "deadlocks",
}


@dataclass(frozen=True, slots=True)
class Counters:
    """One look at them. metrics: by name and labels."""

    metrics: Mapping[tuple[str, frozenset[tuple[str, str]]], float]
    status: Mapping[str, float]

    @classmethod
    def now(cls, stage: Stage) -> "Counters":
        metrics = {}
        for family in text_string_to_metric_families(stage.get_text(f"{stage.url}/metrics")):
            for sample in family.samples:
                metrics[sample.name, frozenset(sample.labels.items())] = sample.value
        names = ", ".join(f"'{name}'" for name in _STATUS)
        found = stage.rows(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({names})")
        return cls(metrics, {name: float(value) for name, value in found})

    def since(self, before: "Counters") -> dict[str, float]:
        """By what each has grown; of batches, their mean size and their number."""
        grown = {
            key: value - before.metrics.get(key, 0.0) for key, value in self.metrics.items()
        }
        told = {shown: self.status.get(name, 0) - before.status.get(name, 0)
                for name, shown in _STATUS.items() if name in self.status}
        told |= dict.fromkeys(_SUMS.values(), 0.0)
        for (name, _), value in grown.items():
            if name in _SUMS:
                told[_SUMS[name]] += value
        return told | self._batches(grown)

    @staticmethod
    def _batches(
        grown: Mapping[tuple[str, frozenset[tuple[str, str]]], float]
    ) -> dict[str, float]:
        sums: dict[str, float] = defaultdict(float)
        for (name, labels), value in grown.items():
            for metric, shown in _BATCHES.items():
                lane = dict(labels).get("lane", "")
                if name == f"{metric}_sum":
                    sums[f"{shown} {lane} jobs"] += value
                elif name == f"{metric}_count":
                    sums[f"{shown} {lane} batches"] += value
        told = {}
        for key, count in sums.items():
            what, _, which = key.rpartition(" ")
            if which == "batches" and count:
                told[key] = count
                told[f"{what} mean batch"] = sums[f"{what} jobs"] / count
        return told
