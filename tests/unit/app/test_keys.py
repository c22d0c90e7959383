"""Keys: what they look like, and what is stored of them."""

from hashlib import sha256

import pytest

from rowen.app.keys import PERMISSIONS, digest, new_key
from rowen.interviews.errors import Code, Refusal


def test_a_key_is_of_160_random_bits_and_only_its_digest_is_kept() -> None:
    asked: list[int] = []

    def sevens(size: int) -> str:
        asked.append(size)
        return "7" * 2 * size

    key, stored = new_key("etl", rate_limit=5, random_hex=sevens)
    assert asked == [20]
    assert key == "rowen_" + "7" * 40
    assert stored.digest == digest(key) == sha256(key.encode()).digest()
    assert (stored.name, stored.prefix, stored.rate_limit) == ("etl", "rowen_777777", 5)
    assert key not in repr(stored)


def test_no_two_keys_are_alike() -> None:
    assert len({new_key("etl")[0] for _ in range(100)}) == 100


def test_a_key_has_every_permission_by_default() -> None:
    assert new_key("etl")[1].permissions == set(PERMISSIONS)
    assert new_key("etl", allow=["scheduled_interviews:list"])[1].permissions == {"scheduled_interviews:list"}


def test_an_unknown_permission_is_refused_by_name() -> None:
    with pytest.raises(Refusal) as refused:
        new_key("etl", allow=["scheduled_interviews:list", "users:write"])
    assert refused.value.code is Code.INVALID
    assert "Has no permission 'users:write'" in refused.value.problems[0].message
