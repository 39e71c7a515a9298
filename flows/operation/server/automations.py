"""Automations of the Prefect server: it marks zombies as crashed and sends notices. Automations that are equal are left alone."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture

NOTIFY_VARIABLE, NOTIFY_BLOCK = "RESTEM_NOTIFY_URL", "restem-notify"
HEARTBEAT = "prefect.flow-run.heartbeat"
HEARTBEATS_MISSED_S = 105  # three of 30 s and some
LATE_S = 600  # a night that has not begun so long after its time is missed
FINAL = ("Completed", "Failed", "Crashed", "Cancelled", "Paused", "Suspended")
BEGUN = ("Pending", "Running", *FINAL)
NIGHT = {"prefect.resource.role": "flow", "prefect.resource.name": "nightly"}
A_RUN = {"prefect.resource.id": ["prefect.flow-run.*"]}
OURS = {
    "prefect.resource.role": "tag",
    "prefect.resource.id": "prefect.tag.restem",
}  # other projects on the server have runs, and flows of the same names, that are none of our business
# what every notice about a flow run names: stage (its deployment), host as far as it was begun, link
WHERE = (
    "\ndeployment {{ deployment.name }}, host {{ flow_run.labels['restem.host'] | default('none') }}, "
    "{{ flow_run | ui_url }}"
)


def make_automations(client: SyncPrefectClient) -> None:
    """Make the automation for zombies always, and those for notices only where an address for notices is set."""
    block = _notification_block()
    for wanted in [zombies(), *(notices(block) if block else [])]:
        keep, *others = [*client.read_automations_by_name(wanted.name), None]
        for doubled in others:
            if doubled is not None:
                client.delete_automation(doubled.id)
        if keep is None:
            client.create_automation(wanted)
        elif _content(keep) != _content(wanted):
            client.update_automation(keep.id, wanted.model_copy(update={"enabled": keep.enabled}))


def _content(automation: Automation | AutomationCore) -> dict[str, Any]:
    """Return what the automation does, without its ids and without whether a person has switched it on."""
    plain = AutomationCore.model_validate(automation.model_dump(include=set(AutomationCore.model_fields)))
    return plain.model_dump(exclude={"enabled", "tags", "owner_resource"})


def zombies() -> AutomationCore:
    """Mark a run as crashed when its heartbeats stop: its machine is gone, and a run that counts as running may hold a slot."""
    return AutomationCore(
        name="restem: crash runs without a heartbeat",
        description="A run that stopped sending heartbeats is marked as crashed, so that it blocks no later one.",
        trigger=EventTrigger(
            after={HEARTBEAT}, expect={HEARTBEAT, *(f"prefect.flow-run.{name}" for name in FINAL)},
            match=A_RUN, match_related=OURS, for_each={"prefect.resource.id"},
            posture=Posture.Proactive, threshold=1, within=timedelta(seconds=HEARTBEATS_MISSED_S),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="No heartbeat: its machine or process is gone. Retry goes on from what is stored.")],
    )  # fmt: skip


def notices(block: UUID, late_s: float = LATE_S) -> list[AutomationCore]:
    """Send one message per failure, crash and promotion of ours, and per night of ours that was cancelled or has not begun `late_s` seconds
    after Prefect marked it as late."""
    return [
        _told(block, "failure notice", _when("restem.run.failed"), "{{ event.resource.name }} failed", "{{ event.payload.notice }}"),
        _told(block, "crash notice", _when("prefect.flow-run.Crashed", match=A_RUN, match_related=OURS), "{{ flow_run.name }} crashed", "{{ flow_run.state.message }}" + WHERE),
        _told(block, "promotion", _when("restem.policy.promoted"), "{{ event.resource.name }} has a new policy", "{{ event.payload.gain }}"),
        _told(
            block, "cancelled night", _when("prefect.flow-run.Cancelled", match=A_RUN, match_related=[NIGHT, OURS]),
            "the night {{ flow_run.name }} was cancelled", "{{ flow_run.state.message | default('by a person') }}" + WHERE,
        ),
        _told(
            block, "missed night", _missed(late_s),
            "the night {{ flow_run.name }} has not begun", f"It is more than {late_s:.0f} s late: no worker takes it." + WHERE,
        ),
    ]  # fmt: skip


def _told(block: UUID, name: str, trigger: EventTrigger, subject: str, body: str) -> AutomationCore:
    action = SendNotification(block_document_id=block, subject=f"restem: {subject}", body=body)
    return AutomationCore(name=f"restem: {name}", trigger=trigger, actions=[action])


def _when(event: str, **which: Any) -> EventTrigger:
    return EventTrigger(expect={event}, posture=Posture.Reactive, threshold=1, within=timedelta(0), **which)


def _missed(late_s: float) -> EventTrigger:
    """Wait whether a late night begins after all, because Prefect marks a run as late at once."""
    return EventTrigger(
        after={"prefect.flow-run.Late"}, expect={f"prefect.flow-run.{name}" for name in BEGUN}, match=A_RUN,
        match_related=[NIGHT, OURS], for_each={"prefect.resource.id"}, posture=Posture.Proactive, threshold=1,
        within=timedelta(seconds=late_s),
    )  # fmt: skip


def _notification_block() -> UUID | None:
    """Make the block of the webhook that RESTEM_NOTIFY_URL names; the address is a secret and stays in the block."""
    url = os.environ.get(NOTIFY_VARIABLE)
    if not url:
        return None
    block: Any = CustomWebhookNotificationBlock(
        name=NOTIFY_BLOCK, url="{{url}}", json_data={"text": "{{subject}}\n{{body}}"}, secrets={"url": url},
    )  # fmt: skip
    saved: UUID = block.save(NOTIFY_BLOCK, overwrite=True)
    return saved
