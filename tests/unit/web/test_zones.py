"""Tests of the time zones to choose from."""

from rowen.web.languages import language
from rowen.web.zones import zone_groups


def test_likely_zones_come_first_and_all_are_grouped_by_area_in_the_order_of_the_language() -> None:
    likely, *areas = zone_groups(language("de-DE"), "America/New_York", "", "America/New_York")
    assert likely == ("", [("America/New_York", "America/New York"), ("UTC", "UTC")])
    names = [each.name for each in areas]
    assert names[:3] == ["Afrika", "Amerika", "Antarktis"]
    assert names == sorted(names)
    (europe,) = (each for each in areas if each.name == "Europa")
    assert ("Europe/Berlin", "Berlin") in europe.zones
    assert len(europe.zones) < 100
    (america,) = (each for each in areas if each.name == "Amerika")
    assert ("America/Argentina/Buenos_Aires", "Argentina/Buenos Aires") in america.zones
