"""The machine of one background fetch record: from its request to its result.

In Background Fetch this is the algorithm *complete a record*, which calls itself to try again or to ask for
the next part. As a machine it is easier to see:

    pending     wants a connection (of the six that an origin has)
    waiting     cannot go on now, and says why; wakes at a time, or when the network is back
    paused      the background fetch is paused
    requested   the request is sent, the response's head has not come
    receiving   the head has come, bytes come
    verifying   every byte is here, and the request has integrity metadata that they are held against
    success, bad-status, fetch-error, aborted, quota-exceeded, download-total-exceeded   settled

Four things in here are not pretty, and they are the world's fault, not the table's:

- The server's word about the length comes from three places (Content-Length, Content-Range, the framing),
  and they may disagree; `part_end` and `complete_length` keep them apart.
- A server that cuts a body which cannot be resumed would keep us busy for ever; so *progress* is a new
  high-water mark (`best`), not just any byte.
- Whether an answer that is not ok is final depends on what was asked: to a Range request it never is at
  first, because the bytes that are here came from the same URL with an ok status.
- A server may answer the question for the rest with what can be neither appended nor trusted to be the whole. Then the
  whole is asked for, once (`anew`). What is stored is not given up for it: the new bytes are kept apart (`Apart`) while
  there are fewer of them, and die with their exchange; only where they are of another file it goes at once.

Times are seconds on the agent's clock, passed in as `now`; sizes are bytes; `jitter` is in [0, 1), passed in.

Spec: https://wicg.github.io/background-fetch/#complete-a-record-algorithm (deviations: SPEC-NOTES 4 to 8)
"""

from __future__ import annotations

from swruntime.machines import (
    record_answers as answers,
    record_rules as rules,
    record_start_over as start_over,
)
from swruntime.machines.record_rules import (
    FIRST_BACKOFF as FIRST_BACKOFF,
    LONGEST_BACKOFF as LONGEST_BACKOFF,
    TEMPORARY as TEMPORARY,
)
from swruntime.machines.record_values import (
    IN_FLIGHT as IN_FLIGHT,
    SETTLED as SETTLED,
    Abort as Abort,
    Apart as Apart,
    Append as Append,
    Bytes as Bytes,
    End as End,
    Enqueue as Enqueue,
    Failure as Failure,
    Head as Head,
    Input as Input,
    KeepApart as KeepApart,
    NoRoom as NoRoom,
    Overtaken as Overtaken,
    Pause as Pause,
    Record as Record,
    Resume as Resume,
    SendRequest as SendRequest,
    Settled as Settled,
    Start as Start,
    State as State,
    StoreResponse as StoreResponse,
    TakeOver as TakeOver,
    Terminate as Terminate,
    Transfer as Transfer,
    Unavailable as Unavailable,
    Verified as Verified,
    Verify as Verify,
    WaitFor as WaitFor,
    Wake as Wake,
    restore as restore,
)
from swruntime.machines.table import Effect, Row, Table, step

_FAILURE: tuple[Row[Record], ...] = (
    Row(State.WAITING, rules.wait_for_network, rules.is_temporary),
    Row(State.FETCH_ERROR, rules.fail),
)
_PAUSE = (Row(State.PAUSED, rules.pause),)
_ABORT = (Row(State.ABORTED, rules.abort),)

TABLE: Table[Record] = {
    # Not transferring
    (State.PENDING, Start): (
        Row(State.VERIFYING, rules.verify, rules.is_all_here_to_verify),
        Row(State.SUCCESS, rules.succeed, rules.is_all_here),
        Row(State.FETCH_ERROR, rules.fail_sent, rules.was_sent_by_an_earlier_process),
        Row(State.REQUESTED, rules.send_request),
    ),
    (State.PENDING, Unavailable): (Row(State.WAITING, rules.wait_offline),),
    (State.PENDING, Pause): _PAUSE,
    (State.PENDING, Abort): _ABORT,
    (State.WAITING, Wake): (
        Row(State.BAD_STATUS, rules.bad_status_at_last, rules.has_given_up_on_status),
        Row(State.FETCH_ERROR, rules.give_up, rules.has_given_up),
        Row(State.PENDING, rules.queue_again),
    ),
    (State.WAITING, Unavailable): (Row(State.WAITING, rules.wait_offline),),
    (State.WAITING, Pause): _PAUSE,
    (State.WAITING, Abort): _ABORT,
    (State.PAUSED, Resume): (Row(State.PENDING, rules.resume),),
    (State.PAUSED, Abort): _ABORT,
    # Transferring, before the head
    (State.REQUESTED, Head): (
        Row(State.VERIFYING, rules.verify_at_the_end, rules.is_complete_already_to_verify),
        Row(State.SUCCESS, rules.succeed_at_the_end, rules.is_complete_already),
        Row(State.PENDING, start_over.start_over_once, rules.is_first_416),
        Row(State.FETCH_ERROR, rules.fail_416, rules.is_second_416),
        Row(State.WAITING, rules.wait_for_retry_after, rules.is_status_to_retry),
        Row(State.BAD_STATUS, rules.bad_status, rules.is_not_ok),
        Row(State.FETCH_ERROR, rules.fail_206, rules.is_206_to_other_method),
        Row(State.RECEIVING, rules.begin_own_range, rules.is_answer_to_own_range),
        Row(State.FETCH_ERROR, rules.fail_changed, answers.is_changed_206),
        Row(State.PENDING, start_over.start_over_once, answers.is_first_unusable),
        Row(State.FETCH_ERROR, start_over.fail_unusable, answers.is_unusable_206),
        Row(State.FETCH_ERROR, start_over.fail_contradiction, answers.is_contradiction),
        Row(State.RECEIVING, rules.continue_body, rules.is_continuing_206),
        Row(State.RECEIVING, start_over.begin_apart, answers.is_the_same_anew),
        Row(State.RECEIVING, rules.begin_part, rules.is_beginning_206),
        Row(State.RECEIVING, rules.begin_body),
    ),
    (State.REQUESTED, Failure): _FAILURE,
    (State.REQUESTED, Pause): _PAUSE,
    (State.REQUESTED, Abort): _ABORT,
    # Transferring, in the body
    (State.RECEIVING, Bytes): (
        Row(State.TOTAL_EXCEEDED, rules.fail_total, rules.exceeds_download_total),
        Row(State.FETCH_ERROR, rules.fail_too_long, rules.is_longer_than_told),
        Row(State.RECEIVING, rules.append),
    ),
    (State.RECEIVING, Overtaken): (Row(State.RECEIVING, start_over.take_over, start_over.has_overtaken),),
    (State.RECEIVING, NoRoom): (
        Row(State.PENDING, start_over.make_room, start_over.is_kept_apart),
        Row(State.QUOTA_EXCEEDED, rules.fail_quota),
    ),
    (State.RECEIVING, End): (
        Row(State.FETCH_ERROR, start_over.fail_another_length, start_over.is_another_length),
        Row(State.VERIFYING, rules.verify, rules.is_whole_to_verify),
        Row(State.SUCCESS, rules.succeed, rules.is_whole),
        Row(State.PENDING, rules.ask_for_more, rules.is_short_part_with_progress),
        Row(State.FETCH_ERROR, rules.fail_short, rules.is_short_part),
        Row(State.WAITING, rules.wait_after_early_end, rules.ended_early_but_may_retry),
        Row(State.FETCH_ERROR, rules.fail_short),
    ),
    (State.RECEIVING, Failure): _FAILURE,
    (State.RECEIVING, Pause): _PAUSE,
    (State.RECEIVING, Abort): _ABORT,
    # All is here
    (State.VERIFYING, Verified): (
        Row(State.FETCH_ERROR, rules.fail_integrity, rules.is_mismatch),
        Row(State.SUCCESS, rules.succeed),
    ),
    (State.VERIFYING, Pause): _PAUSE,
    (State.VERIFYING, Abort): _ABORT,
}


def feed(record: Record, input: Input) -> tuple[Record, tuple[Effect, ...]]:
    """One step. Raises ImpossibleInput for what the table does not list."""
    return step(TABLE, record, input)
