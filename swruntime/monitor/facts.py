"""The facts that guards of specs/ speak of, read from the machines' states and inputs.

They are counted afresh from what is there, not taken from what the machines count themselves.
"""

from __future__ import annotations

from swruntime.algorithms.content_range import unsatisfied_length
from swruntime.algorithms.partial import (
    changed_part,
    contradiction,
    is_same_file,
    may_resume,
    unusable_part,
)
from swruntime.concepts.background import StoredHead
from swruntime.machines import background_fetch as fetches, record as records
from swruntime.machines.background_fetch import Machine
from swruntime.machines.background_sync import SyncRegistration
from swruntime.machines.extendable_event import ExtendableEvent
from swruntime.machines.periodic_sync import PeriodicSyncRegistration
from swruntime.machines.record import Record
from swruntime.monitor.expressions import Facts


def of_record(record: Record, input: object, *, room: int | None) -> Facts:
    """`room` is what is left of the download total, in bytes; None where there is no limit."""
    head, transfer, wait = record.head, record.transfer, record.wait
    apart = transfer.apart if transfer else None
    filled = apart.head if apart else head
    facts: dict[str, object] = {
        "method": record.method,
        "own_range": "range" in record.headers,
        "integrity": record.has_integrity,
        "whole": record.whole,
        "has_response": head is not None,
        "partial": head is not None and head.status == 206,
        "length": head.complete_length if head else None,
        "stored": record.stored,
        "range_start": transfer.range_start if transfer else 0,
        "begun_at": transfer.begun_at if transfer else 0,
        "part_end": transfer.part_end if transfer else None,
        "resumable": may_resume(record.method, record.headers, head),
        "restarted": record.restarted,
        "anew": record.anew,
        "again": transfer is not None and transfer.again,
        "promised": transfer.promised if transfer else None,
        "apart": apart is not None,
        "filled": apart.stored if apart else record.stored,
        "filled_length": filled.complete_length if filled else None,
        "filled_partial": filled is not None and filled.status == 206,
        "sent": record.sent,
        "timed_wait": wait is not None and wait.until is not None,
        "refused": record.refusal is not None,
        "room": room,
    }
    now = getattr(input, "now", None)
    began = record.progress_at
    facts["patient"] = now is None or began is None or now - began < record.give_up
    match input:
        case records.Head():
            facts |= _of_head(record, input)
        case records.Bytes(size=size):
            facts["size"] = size
        case records.Failure(cause=cause):
            facts["cause"] = cause
        case records.Verified(mismatch=mismatch):
            facts["matches"] = mismatch is None
    return facts


def _of_head(record: Record, input: records.Head) -> Facts:
    start = record.transfer.range_start if record.transfer else 0
    return {
        "status": input.head.status,
        "retry_after": input.retry_after is not None,
        "other_etag": _etags(input.head, record.head),
        "refused_length": unsatisfied_length(input.content_range),
        "changed_part": changed_part(record.head, input.head, input.content_range) is not None,
        "usable_part": unusable_part(start, now=input.head, content_range=input.content_range) is None,
        "contradicts": contradiction(record.head, input.head, input.content_range, range_start=start)
        is not None,
        "same_file": is_same_file(record.head, input.head),
    }


def _etags(now: StoredHead, stored: StoredHead | None) -> bool:
    """Whether both have an ETag, and not the same."""
    etags = {head.etag for head in (now, stored) if head is not None and head.etag is not None}
    return len(etags) == 2


def of_fetch(machine: Machine, input: object, *, just_settled: int | None = None) -> Facts:
    """`just_settled`: the record whose result `input` tells, where `machine` does not have it yet."""
    others = [r for i, r in enumerate(machine.records) if i != just_settled]
    failures = sum(r.settled and r.result != "success" for r in others)
    facts: dict[str, object] = {
        "begun": machine.fetch.begun,
        "upload_in_flight": any(r.in_flight and r.method != "GET" for r in machine.records),
        "unsettled": sum(not r.settled for r in others),
        "event": machine.fetch.event,
        "attempts": machine.fetch.attempts,
    }
    match input:
        case fetches.Begin(permission=permission):
            facts["permission"] = permission
        case fetches.EventEnded(outcome=outcome):
            facts["outcome"] = outcome
        case fetches.RecordSettled(result=result):
            facts["result"] = result
            failures += just_settled is not None and result != "success"
    facts["failures"] = failures
    return facts


def of_event(event: ExtendableEvent, input: object) -> Facts:
    return {
        "pending": event.pending,
        "settling": event.settling,
        "failed": event.error is not None,
        "fails": getattr(input, "error", None) is not None,
    }


def of_sync(registration: SyncRegistration, input: object) -> Facts:
    return {
        "failures": registration.failures,
        "attempts": registration.retries.attempts,
        "outcome": getattr(input, "outcome", None),
    }


def of_periodic_sync(registration: PeriodicSyncRegistration, input: object) -> Facts:
    given = getattr(input, "min_interval", registration.min_interval)
    return {
        "other_interval": given != registration.min_interval,
        "outcome": getattr(input, "outcome", None),
    }
