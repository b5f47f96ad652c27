//! How a Job ended: its conditions say that it did, its pods say how.

use crate::core::incident::Outcome;
use crate::run::flight::ended;
use crate::run::port::Stand;
use crate::run::wire;
use k8s_openapi::api::batch::v1::{Job as Batch, JobCondition};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The condition that ends a Job: `Complete` or `Failed`, never both. `FailureTarget` and
/// `SuccessCriteriaMet` announce one of them and are not the end.
pub(super) fn finished(job: &Batch) -> Option<&JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    conditions
        .iter()
        .find(|c| c.status == "True" && matches!(&*c.type_, "Complete" | "Failed"))
}

/// No container of these pods runs or is about to.
pub(super) fn quiet(pods: &[Pod]) -> bool {
    pods.iter().all(|pod| {
        let phase = pod.status.as_ref().and_then(|s| s.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed")) || terminated(pod).is_some() || never(pod)
    })
}

/// It never got a container and is being deleted.
fn never(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some() && !started(pod)
}

fn container(pod: &Pod) -> Option<&ContainerStatus> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses
        .iter()
        .find(|c| c.name == "action")
        .or(statuses.first())
}

pub(super) fn terminated(pod: &Pod) -> Option<&ContainerStateTerminated> {
    container(pod)?.state.as_ref()?.terminated.as_ref()
}

/// Whether its container runs or ran, so that there is a log.
pub(super) fn started(pod: &Pod) -> bool {
    let state = container(pod).and_then(|c| c.state.as_ref());
    state.is_some_and(|s| s.running.is_some() || s.terminated.is_some())
}

/// The end of a finished Job.
pub(super) fn of(job: &Batch, pods: &[Pod], success: &[i32]) -> Stand {
    let condition = finished(job);
    let good = condition.is_some_and(|c| c.type_ == "Complete");
    let reason = condition
        .and_then(|c| c.reason.as_deref())
        .unwrap_or_default();
    let ran: Vec<&Pod> = pods.iter().filter(|p| started(p)).collect();
    let last = ran.last().and_then(|pod| terminated(pod));
    let outcome = match (reason, last) {
        ("DeadlineExceeded", _) => Outcome::TimedOut,
        (_, Some(end)) if end.reason.as_deref() == Some("OOMKilled") => Outcome::OutOfMemory,
        (_, Some(end)) => by_exit(end, success),
        _ => Outcome::Reported {
            good,
            what: said(condition),
        },
    };
    let mut notes = Vec::new();
    if ran.len() > 1 {
        notes.push(format!(
            "Kubernetes started it {} times; see its documentation of Jobs",
            ran.len()
        ));
    }
    if ran.is_empty() {
        notes.extend(pods.iter().filter_map(waiting));
    }
    let took = last.map_or_else(|| of_job(job), of_container);
    ended(outcome, took.unwrap_or(0), notes)
}

fn by_exit(end: &ContainerStateTerminated, success: &[i32]) -> Outcome {
    let exit = end.exit_code;
    match end.signal {
        Some(signal) if signal > 0 => Outcome::Killed { signal },
        _ if success.contains(&exit) => Outcome::Succeeded { exit },
        _ => Outcome::Failed { exit },
    }
}

fn said(condition: Option<&JobCondition>) -> String {
    let Some(condition) = condition else {
        return "Kubernetes says nothing".to_owned();
    };
    let mut words = format!("Kubernetes says {}", condition.type_);
    let more = [&condition.reason, &condition.message];
    for part in more.into_iter().flatten().filter(|p| !p.is_empty()) {
        words.push_str(": ");
        words.push_str(&wire::quoted(part, &[]));
    }
    words
}

/// Why a container did not start: an image that cannot be pulled, a volume that is missing.
fn waiting(pod: &Pod) -> Option<String> {
    let waiting = container(pod)?.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    let message = waiting.message.as_deref().unwrap_or_default();
    let words = wire::quoted(&format!("{reason} {message}"), &[]);
    Some(format!("its container did not start: {words}"))
}

fn of_container(end: &ContainerStateTerminated) -> Option<i64> {
    between(end.started_at.as_ref(), end.finished_at.as_ref())
}

/// `completionTime` is there on success only; the condition's own time is there always.
fn of_job(job: &Batch) -> Option<i64> {
    let status = job.status.as_ref()?;
    let over = finished(job).and_then(|c| c.last_transition_time.as_ref());
    between(
        status.start_time.as_ref(),
        status.completion_time.as_ref().or(over),
    )
}

fn between(from: Option<&Time>, to: Option<&Time>) -> Option<i64> {
    let ms = to?.0.as_millisecond() - from?.0.as_millisecond();
    Some(ms.max(0))
}
