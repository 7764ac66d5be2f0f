"""The metrics of several processes, while some of them come and go."""

from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict, mmap_key

from web.metrics_page import merged


def test_a_process_that_is_just_starting_hides_nobody_elses_metrics(tmp_path: Path) -> None:
    # Given two processes that have counted, and one that has only made its file
    for pid, count in ((7, 2.0), (8, 3.0)):
        written = MmapedDict(str(tmp_path / f"counter_{pid}.db"))
        written.write_value(mmap_key("wakes", "wakes_total", ["lane"], ["users"], ""), count, 0.0)
        written.close()
    (tmp_path / "counter_9.db").touch()
    # When they are merged, Then what was counted is there
    found = merged(str(tmp_path))
    assert found.get_sample_value("wakes_total", {"lane": "users"}) == 5.0
