//! `[ssh.NAME]`, `[rundeck.NAME]` and `[kubernetes.NAME]`: what carries out actions elsewhere, and
//! how it is reached. Actions name a connection; addresses and secrets stand here, once.

use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Every connection, by its name.
#[derive(Clone, Debug, Default)]
pub struct Engines {
    /// `[ssh.NAME]`
    pub ssh: BTreeMap<String, SshServer>,
    /// `[rundeck.NAME]`
    pub rundeck: BTreeMap<String, RundeckServer>,
    /// `[kubernetes.NAME]`
    pub kubernetes: BTreeMap<String, Cluster>,
}

/// How machines are reached by `ssh`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshServer {
    /// As actions name it.
    pub name: String,
    /// The client, an absolute path.
    pub program: PathBuf,
    /// The account on the other side.
    pub user: String,
    /// 22 unless set.
    pub port: u16,
    /// The private key; `None`: what `ssh` finds itself.
    pub identity_file: Option<PathBuf>,
    /// The known host keys; `None`: those of `ssh` itself. An unknown host is always refused.
    pub known_hosts: Option<PathBuf>,
    /// A host that does not answer for this long is not reached, milliseconds.
    pub connect_timeout_ms: i64,
}

/// A Rundeck server.
#[derive(Clone, Debug)]
pub struct RundeckServer {
    /// As actions name it.
    pub name: String,
    /// Base address, without `/api` and without a slash at its end.
    pub url: String,
    /// Of the header `X-Rundeck-Auth-Token`.
    pub token: SecretString,
    /// The version in its paths.
    pub api_version: u16,
    /// The way there.
    pub way: Way,
}

/// A Kubernetes cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// As actions name it.
    pub name: String,
    /// Who firebell is there.
    pub access: Access,
    /// The way there.
    pub way: Way,
}

/// How a cluster is reached, and who firebell is there.
#[derive(Clone, Debug)]
pub enum Access {
    /// By an address and a token.
    Token {
        /// Of the API server, without a slash at its end.
        url: String,
        /// The bearer token as it was at start.
        token: SecretString,
        /// Where it came from, when from a file: clusters replace it, so it is read again.
        token_file: Option<PathBuf>,
    },
    /// By a kubeconfig.
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// One of its contexts; `None`: its current one.
        context: Option<String>,
    },
    /// By the service account of the pod firebell runs in.
    InCluster,
}

/// How an HTTP API is reached.
#[derive(Clone, Debug)]
pub struct Way {
    /// HTTP proxy; may hold a password.
    pub proxy: Option<SecretString>,
    /// PEM file of a certificate authority trusted besides the usual ones.
    pub extra_ca: Option<PathBuf>,
    /// A call that takes longer is taken for failed, milliseconds.
    pub timeout_ms: i64,
}
