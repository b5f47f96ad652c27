//! The same question over HTTP: the release program serves ten thousand schedules from their files.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SCHEDULES: usize = 10_000;
/// Questions about one schedule, each about another one.
const ASKED: usize = 4_000;
/// Questions about all of them.
const ALL: usize = 11;
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// As in `main`: 22 November 2026, when one of each schedule's overrides is active.
const AT: &str = "2026-11-22T14:03:00Z";
/// `LinkedIn`'s oncall, asked who is on call in one of 10,000 teams.
const PEER_MS: f64 = 265.0;
/// The program reads twenty thousand files before it is ready.
const PATIENCE: Duration = Duration::from_secs(120);

/// Gone with the benchmark.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn run() {
    let Ok(folder) = tempfile::tempdir() else {
        return println!("There is no folder for files.");
    };
    organisation(folder.path());
    let address = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    let Ok(address) = address.map(|a| a.to_string()) else {
        return println!("There is no free port.");
    };
    let begun = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_firebell"))
        .args(["serve", "--config"])
        .arg(folder.path().join("firebell.toml"))
        .env("FIREBELL__LISTEN", &address)
        .stdin(Stdio::null())
        .spawn();
    let Ok(_running) = child.map(Running) else {
        return println!("firebell does not start.");
    };
    let mut line = loop {
        if let Some(line) = Line::open(&address) {
            break line;
        }
        assert!(begun.elapsed() < PATIENCE, "firebell does not come up");
        std::thread::yield_now();
    };
    while line.ask("/readyz").0 != 200 {
        assert!(begun.elapsed() < PATIENCE, "firebell is not ready");
    }
    println!(
        "{SCHEDULES} schedules read from files and served after {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let mut times = Vec::with_capacity(ASKED);
    let mut overridden = 0;
    for n in 0..ASKED {
        let path = format!("/api/v1/oncall?schedule=s{}&at={AT}", n * 7919 % SCHEDULES);
        let begun = Instant::now();
        let (status, body) = line.ask(&path);
        times.push(begun.elapsed());
        assert!(
            status == 200 && body.contains("\"people\":[{"),
            "{status} {body}"
        );
        overridden += usize::from(body.contains("\"why\":\"override"));
    }
    let (p50, p99) = spread(&mut times);
    println!(
        "over HTTP, one of {SCHEDULES} schedules: p50 {p50:.3} ms, p99 {p99:.3} ms of {ASKED}, {overridden} of them overridden; \
         LinkedIn's oncall took {PEER_MS} ms: {:.0}x",
        PEER_MS / p50
    );
    let mut times = Vec::with_capacity(ALL);
    let mut bytes = 0;
    for _ in 0..ALL {
        let begun = Instant::now();
        let (status, body) = line.ask(&format!("/api/v1/oncall?at={AT}"));
        times.push(begun.elapsed());
        assert_eq!(status, 200, "{body}");
        bytes = body.len();
    }
    let (p50, _) = spread(&mut times);
    println!("all of them in one answer of {bytes} bytes: p50 {p50:.1} ms");
}

/// p50 and p99 in milliseconds.
fn spread(times: &mut [Duration]) -> (f64, f64) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    (at(50).as_secs_f64() * 1e3, at(99).as_secs_f64() * 1e3)
}

/// One connection, one question at a time.
struct Line(BufReader<TcpStream>);

impl Line {
    fn open(address: &str) -> Option<Line> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Line(BufReader::new(stream)))
    }

    /// Status and body of what is answered.
    fn ask(&mut self, path: &str) -> (u16, String) {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: firebell\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        );
        let sent = self.0.get_mut().write_all(request.as_bytes());
        assert!(sent.is_ok(), "{path}: {sent:?}");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut head = String::new();
            let read = self.0.read_line(&mut head);
            assert!(read.is_ok_and(|n| n > 0), "{path}: no answer");
            let head = head.trim_end().to_ascii_lowercase();
            if head.is_empty() {
                break;
            }
            if let Some(rest) = head.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap_or(0);
            } else if let Some(n) = head.strip_prefix("content-length: ") {
                length = n.parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        let read = self.0.read_exact(&mut body);
        assert!(read.is_ok(), "{path}: {read:?}");
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

/// A rotation of seven with three overrides each, in five zones of which four have daylight saving.
fn organisation(folder: &Path) {
    const ZONES: [&str; 5] = [
        "Europe/Madrid",
        "America/New_York",
        "America/Santiago",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
    ];
    const HANDOFFS: [&str; 4] = ["weekly", "daily", "monthly", "0 9 * * MON"];
    write(
        folder,
        "firebell.toml",
        "data-dir = \"data\"\nzone = \"UTC\"\n[log]\nfilter = \"error\"\n[console]\nenabled = false\n\
         [paging]\ncatch-all = [\"person:person-0\"]\n[[tokens]]\nname = \"bench\"\ntoken = \"file:token\"\n",
    );
    write(folder, "token", TOKEN);
    for n in 0..7 {
        let person = format!(
            "name = \"Person {n}\"\ncontacts = [{{ kind = \"webhook\", url = \"http://127.0.0.1:9/\" }}]\n"
        );
        write(folder, &format!("people/person-{n}.toml"), &person);
    }
    let people: Vec<String> = (0..7).map(|n| format!("person-{n}")).collect();
    for n in 0..SCHEDULES {
        let (zone, handoff) = (ZONES[n % ZONES.len()], HANDOFFS[n % HANDOFFS.len()]);
        let mut text = format!(
            "name = \"Schedule {n}\"\nzone = \"{zone}\"\nhandoff = \"{handoff}\"\n\
             starts = \"2019-01-07 09:00\"\npeople = {people:?}\n"
        );
        for (k, (from, until)) in [
            ("2026-08-24 09:00", "2026-08-26 09:00"),
            ("2026-11-21 09:00", "2026-11-24 09:00"),
            ("2027-01-01 09:00", "2027-01-08 09:00"),
        ]
        .iter()
        .enumerate()
        {
            text += &format!(
                "[[overrides]]\nadd = \"person-{}\"\nfrom = \"{from}\"\nuntil = \"{until}\"\n",
                (n + k) % 7
            );
        }
        write(folder, &format!("schedules/s{n}.toml"), &text);
    }
}

/// A file only its owner may read, as secrets must be.
fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    let made = path.parent().map(fs::create_dir_all);
    assert!(made.is_some_and(|m| m.is_ok()), "{name} cannot be written");
    let mut options = fs::OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    assert!(written.is_ok(), "{name}: {written:?}");
}
