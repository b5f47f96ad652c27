//! The Job of a run.

use super::{LABEL, SUBJECT, name};
use crate::core::directory::KubernetesRun;
use crate::run::port::Job;
use k8s_openapi::api::batch::v1::Job as Batch;
use serde_json::{Value, json};

/// What is over is kept by the cluster this long, seconds: firebell reads the log before.
const TTL_SECS: i64 = 3600;

/// What its pod may write into `/tmp`, its only writable folder.
const TMP: &str = "64Mi";

/// One pod, once, without privileges; see the module of the executor.
pub(super) fn of(job: &Job, run: &KubernetesRun) -> Result<Batch, String> {
    let limits = &job.action.limits;
    let argv: Vec<String> = job.argv.iter().map(|a| plain(a)).collect();
    let env: Vec<Value> = run
        .env
        .iter()
        .map(|(name, value)| json!({"name": name, "value": plain(value)}))
        .collect();
    let mut bounds = json!({});
    if let Some(bytes) = limits.memory_bytes {
        bounds["memory"] = json!(bytes.to_string());
    }
    let labels = json!({
        "app.kubernetes.io/managed-by": "firebell",
        LABEL: job.key,
    });
    let mut pod = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": run.service_account.is_some(),
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": seconds(limits.kill_grace_ms),
        "securityContext": {
            "runAsNonRoot": true,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [{
            "name": "action",
            "image": run.image,
            "command": argv,
            "env": env,
            "resources": {"limits": bounds},
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        }],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": TMP}}],
    });
    if let Some(account) = &run.service_account {
        pod["serviceAccountName"] = json!(account);
    }
    let manifest = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name(job),
            "namespace": run.namespace,
            "labels": labels,
            "annotations": {
                SUBJECT: job.subject,
                "firebell.dev/action": job.action.id,
                "firebell.dev/incident": job.incident.to_string(),
            },
        },
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 0,
            // A second pod only when the first is certainly over.
            "podReplacementPolicy": "Failed",
            // At least a second: 0 would end it before it began.
            "activeDeadlineSeconds": seconds(limits.timeout_ms).max(1),
            "ttlSecondsAfterFinished": TTL_SECS,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    });
    serde_json::from_value(manifest).map_err(|e| format!("the Job cannot be written: {e}"))
}

/// Kubernetes takes `$$` for `$` and replaces `$(NAME)`; doubled, every `$` arrives as it is.
fn plain(text: &str) -> String {
    text.replace('$', "$$")
}

fn seconds(ms: i64) -> i64 {
    ms.saturating_add(999) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_argument_is_expanded() {
        assert_eq!(plain("$(HOME) $$ $x"), "$$(HOME) $$$$ $$x");
        assert_eq!((seconds(1), seconds(1000), seconds(1001)), (1, 1, 2));
    }
}
