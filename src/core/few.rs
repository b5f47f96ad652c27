//! Small sorted collections that take as much memory as what is in them.
//!
//! A B-tree begins with room for eleven. An open incident has one person who was paged and one contact
//! that was reached, and there may be a hundred thousand of them; with exact room each of these costs a
//! tenth. Every change copies what is there, so what may grow to thousands does not belong here.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;

/// A sorted map of few entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FewBy<K, V>(Box<[(K, V)]>);

impl<K, V> Default for FewBy<K, V> {
    fn default() -> Self {
        FewBy(Box::default())
    }
}

impl<K: Ord, V> FewBy<K, V> {
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(k, _)| k.borrow().cmp(key))
    }

    fn change<T>(&mut self, with: impl FnOnce(&mut Vec<(K, V)>) -> T) -> T {
        let mut all = std::mem::take(&mut self.0).into_vec();
        all.reserve_exact(1);
        let told = with(&mut all);
        self.0 = all.into_boxed_slice();
        told
    }

    /// The value of a key, made when there is none.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let at = match self.find(&key) {
            Ok(at) => at,
            Err(at) => {
                self.change(|all| all.insert(at, (key, V::default())));
                at
            }
        };
        &mut self.0[at].1
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// Whether there is a value of this key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Entries in the order of their keys.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.0.iter().map(|(k, v)| (k, v))
    }

    /// Keys in order.
    #[must_use]
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.iter().map(|(k, _)| k)
    }

    /// Values in the order of their keys.
    #[must_use]
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.0.iter().map(|(_, v)| v)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for FewBy<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(all: I) -> Self {
        // Of two values of a key the last one counts, as in a tree.
        let all: std::collections::BTreeMap<K, V> = all.into_iter().collect();
        FewBy(all.into_iter().collect())
    }
}

impl<K: Serialize, V: Serialize> Serialize for FewBy<K, V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(&self.0)
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for FewBy<K, V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = Vec::<(K, V)>::deserialize(from)?;
        // As it was written; anything else is put in order.
        if all.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Ok(FewBy(all.into_boxed_slice()));
        }
        Ok(all.into_iter().collect())
    }
}

/// A sorted set of few things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Ord + Deserialize<'de>"))]
pub struct Few<T>(FewBy<T, ()>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Few(FewBy::default())
    }
}

impl<T: Ord> Few<T> {
    /// Puts one in; false: it is there already.
    pub fn insert(&mut self, one: T) -> bool {
        match self.0.find(&one) {
            Ok(_) => false,
            Err(at) => {
                self.0.change(|all| all.insert(at, (one, ())));
                true
            }
        }
    }

    /// Takes one out; false: it was not there.
    pub fn remove<Q: Ord + ?Sized>(&mut self, one: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        let Ok(at) = self.0.find(one) else {
            return false;
        };
        self.0.change(|all| all.remove(at));
        true
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        *self = Few::default();
    }

    /// Whether it is there.
    pub fn contains<Q: Ord + ?Sized>(&self, one: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.contains_key(one)
    }

    /// All in order.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.keys()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Ord> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, more: I) {
        for one in more {
            self.insert(one);
        }
    }
}

impl<T: Ord> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        let mut few = Few::default();
        few.extend(all);
        few
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn few_things_behave_as_a_tree_of_them() {
        let mut rng = fastrand::Rng::with_seed(7);
        let (mut few, mut tree) = (Few::default(), BTreeSet::new());
        let (mut by, mut map) = (FewBy::<String, u32>::default(), BTreeMap::new());
        for _ in 0..2000 {
            let one = rng.u8(0..12).to_string();
            match rng.u8(0..20) {
                0 => {
                    few.clear();
                    tree.clear();
                }
                1..8 => assert_eq!(few.remove(one.as_str()), tree.remove(&one)),
                _ => assert_eq!(few.insert(one.clone()), tree.insert(one.clone())),
            }
            *by.or_default(one.clone()) += 1;
            *map.entry(one.clone()).or_default() += 1;
            assert_eq!(few.contains(one.as_str()), tree.contains(&one));
            assert!(few.iter().eq(&tree));
            assert!(by.iter().eq(&map));
            assert_eq!(by.get(one.as_str()), map.get(&one));
            assert_eq!((few.len(), few.is_empty()), (tree.len(), tree.is_empty()));
        }
        assert_eq!(by.len(), 12);
        assert_eq!(by.values().sum::<u32>(), 2000);
        let copy: FewBy<String, u32> = map.clone().into_iter().collect();
        assert_eq!(copy, by);
        assert_eq!(tree.iter().cloned().collect::<Few<_>>(), few);
    }
}
