"""The files of an outage spool: what was appended is read again, whatever a kill or a disk did to the end."""

from pathlib import Path

import pytest
from hearback_devkit.testing import recorded
from hearback_kit.bus.spool_segments import SpoolFull, SpoolSegments, decode_records, encode_record, is_torn
from hypothesis import given
from hypothesis import strategies as st

PAYLOADS = st.lists(st.binary(max_size=40), min_size=1, max_size=6)


def open_segments(folder: Path, *, bytes_max: int = 10_000, segment_bytes: int = 200) -> SpoolSegments:
    segments = SpoolSegments(folder, bytes_max=bytes_max, segment_bytes=segment_bytes)
    assert segments.open()
    return segments


def drained(segments: SpoolSegments) -> list[bytes]:
    found = []
    while segments.waiting_records:
        found += [record.payload for record in segments.read_oldest()]
        segments.drop_oldest()
    assert (segments.waiting_bytes, segments.oldest_ms) == (0, None)
    return found


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "lock")


@given(PAYLOADS, st.integers(0, 2**64 - 1))
def test_records_are_read_as_they_were_appended(payloads: list[bytes], at: int) -> None:
    data = b"".join(encode_record(payload, at) for payload in payloads)
    found = list(decode_records(data))
    assert [record.payload for record in found] == payloads
    assert {record.appended_at_ms for record in found} == {at}


@given(PAYLOADS)
def test_cut_at_every_byte_all_records_before_it_are_there_and_the_rest_is_a_tear(payloads: list[bytes]) -> None:
    encoded = [encode_record(payload, 1) for payload in payloads]
    data, ends = b"".join(encoded), [sum(map(len, encoded[: n + 1])) for n in range(len(encoded))]
    for cut in range(len(data) + 1):
        whole = [payload for payload, end in zip(payloads, ends, strict=True) if end <= cut]
        assert [record.payload for record in decode_records(data[:cut])] == whole
        assert is_torn(data[max((end for end in ends if end <= cut), default=0) : cut])


@given(PAYLOADS, st.data())
def test_a_changed_bit_is_never_read(payloads: list[bytes], data: st.DataObject) -> None:
    raw = bytearray(b"".join(encode_record(payload, 1) for payload in payloads))
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= 1 << data.draw(st.integers(0, 7))
    found = [record.payload for record in decode_records(bytes(raw))]
    assert len(found) < len(payloads)
    assert found == payloads[: len(found)]


def test_zeros_at_the_end_are_a_tear_and_no_records() -> None:
    assert list(decode_records(bytes(64))) == []
    assert is_torn(bytes(64))


def test_what_was_appended_is_found_by_the_next_process_in_order(tmp_path: Path) -> None:
    segments = open_segments(tmp_path)
    wanted = [b"%03d" % number * 10 for number in range(30)]
    for number, payload in enumerate(wanted):
        segments.append(payload, 1_000 + number)
    assert len(files(tmp_path)) > 3
    segments.close()
    again = open_segments(tmp_path)
    assert (again.waiting_records, again.oldest_ms) == (30, 1_000)
    again.append(b"behind", 2_000)
    assert drained(again) == [*wanted, b"behind"]
    assert files(tmp_path) == []
    again.close()


def test_appended_while_the_oldest_is_read_it_goes_to_another_file(tmp_path: Path) -> None:
    segments = open_segments(tmp_path)
    segments.append(b"1", 1)
    assert [record.payload for record in segments.read_oldest()] == [b"1"]
    segments.append(b"2", 2)
    segments.drop_oldest()
    assert (segments.waiting_records, segments.oldest_ms) == (1, 2)
    assert drained(segments) == [b"2"]
    segments.close()


def test_one_byte_more_than_the_bound_is_refused_and_there_is_room_after_a_replay(tmp_path: Path) -> None:
    bytes_max = 2 * len(encode_record(b"x" * 10, 1))
    segments = open_segments(tmp_path, bytes_max=bytes_max)
    segments.append(b"x" * 10, 1)
    with pytest.raises(SpoolFull):
        segments.append(b"x" * 11, 1)
    segments.append(b"y" * 10, 1)
    assert segments.waiting_bytes == bytes_max
    with pytest.raises(SpoolFull):
        segments.append(b"", 1)
    assert drained(segments) == [b"x" * 10, b"y" * 10]
    segments.append(b"z" * 10, 1)
    segments.close()


def test_a_folder_is_of_one_process_at_a_time(tmp_path: Path) -> None:
    first, second = open_segments(tmp_path), SpoolSegments(tmp_path, bytes_max=1_000)
    assert not second.open()
    assert not second.is_open
    first.append(b"left", 1)
    first.close()
    assert second.open()
    assert drained(second) == [b"left"]
    second.close()


@pytest.mark.parametrize("suffix", ["spool", "refused"])
def test_a_folder_with_a_file_that_cannot_be_read_is_left_and_opened_once_it_can(
    suffix: str, tmp_path: Path
) -> None:
    first = open_segments(tmp_path)
    first.append(b"left", 1)
    first.set_aside([b"aside"], 1)
    first.close()
    unreadable = tmp_path / f"{9:016d}.{suffix}"
    unreadable.mkdir()
    for _ in range(2):
        with pytest.raises(IsADirectoryError):
            first.open()
        assert not first.is_open
    unreadable.rmdir()
    second = open_segments(tmp_path)
    assert (second.waiting_records, second.refused_records) == (1, 1)
    second.close()
    assert first.open()
    assert (first.waiting_records, first.refused_records) == (1, 1)
    assert drained(first) == [b"left"]
    first.close()


def test_a_torn_end_is_cut_and_what_is_appended_later_is_found(tmp_path: Path) -> None:
    segments = open_segments(tmp_path)
    segments.append(b"1", 1)
    segments.append(b"2", 1)
    segments.close()
    (name,) = files(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-1])
    again = open_segments(tmp_path)
    again.append(b"3", 1)
    assert drained(again) == [b"1", b"3"]
    assert files(tmp_path) == []
    again.close()


def test_what_no_kill_can_have_torn_is_set_aside_and_the_files_behind_it_are_read(tmp_path: Path) -> None:
    segments = open_segments(tmp_path, segment_bytes=60)
    for payload in (b"1", b"2", b"3", b"4", b"5"):
        segments.append(payload * 10, 1)
    segments.close()
    first = tmp_path / files(tmp_path)[0]
    raw = bytearray(first.read_bytes())
    raw[30] ^= 1  # in the second record, with a third behind it
    first.write_bytes(raw)
    before = recorded("hearback_spool_damaged_total")
    again = open_segments(tmp_path, segment_bytes=60)
    assert drained(again) == [b"1" * 10, b"4" * 10, b"5" * 10]
    assert recorded("hearback_spool_damaged_total") == before + 1
    assert files(tmp_path) == [first.with_suffix(".damaged").name]
    again.append(b"6", 1)
    again.close()
    assert first.with_suffix(".damaged").read_bytes() == raw


def test_a_folder_that_cannot_be_written_to_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        SpoolSegments(tmp_path / "file" / "spool", bytes_max=1_000).open()
    segments = open_segments(tmp_path / "gone")
    (tmp_path / "gone" / "lock").unlink()
    (tmp_path / "gone").rmdir()
    with pytest.raises(FileNotFoundError):
        segments.append(b"1", 1)
    assert segments.waiting_records == 0
    (tmp_path / "gone").mkdir()
    segments.append(b"2", 1)
    assert drained(segments) == [b"2"]
    segments.close()
