"""Reads a calendar with a library written by others and tells its events as JSON.

It fails when the library finds anything wrong, or when the calendar lacks what RFC 5545 asks of it.
"""

import json
import sys

from icalendar import Calendar

calendar = Calendar.from_ical(sys.stdin.buffer.read())
if calendar.errors:
    sys.exit(f"the calendar: {calendar.errors}")
for name in ("VERSION", "PRODID"):
    if name not in calendar:
        sys.exit(f"the calendar has no {name}")

seen, told = set(), []
for event in calendar.walk("VEVENT"):
    if event.errors:
        sys.exit(f"{event.get('UID')}: {event.errors}")
    for name in ("UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY"):
        if name not in event:
            sys.exit(f"an event has no {name}: {event}")
    uid = str(event["UID"])
    if uid in seen:
        sys.exit(f"two events are {uid}")
    seen.add(uid)
    told.append(
        {
            "title": str(event["SUMMARY"]),
            "begin": event.decoded("DTSTART").isoformat(),
            "end": event.decoded("DTEND").isoformat(),
        }
    )
json.dump(told, sys.stdout)
