//! A platform that stops answering after so many calls that change something: what whoever is killed at
//! that moment never hears.

/// When it stops, and whether it did.
#[derive(Clone, Debug, Default)]
pub struct Halt {
    /// Calls that still go through; `None`: it does not stop.
    left: Option<usize>,
    /// The call it stops at is still done.
    done: bool,
    met: bool,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// It is done, and nobody hears of it.
    DoneUnheard,
    /// It is not done, and nobody hears of it.
    Lost,
}

impl Halt {
    /// So many calls that change something go through. `done`: the next one is done too, unheard.
    pub fn after(writes: usize, done: bool) -> Halt {
        Halt {
            left: Some(writes),
            done,
            met: false,
        }
    }

    /// Whether it has stopped.
    pub fn met(&self) -> bool {
        self.met
    }

    /// What becomes of the next call.
    pub fn next(&mut self, writes: bool) -> Fate {
        match self.left {
            _ if self.met => Fate::Lost,
            None => Fate::Answered,
            Some(_) if !writes => Fate::Answered,
            Some(0) => {
                self.met = true;
                if self.done {
                    Fate::DoneUnheard
                } else {
                    Fate::Lost
                }
            }
            Some(n) => {
                self.left = Some(n - 1);
                Fate::Answered
            }
        }
    }
}
