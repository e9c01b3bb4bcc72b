//! The verified-token cache: tokens whose signature was found good, and the key set it was found good by.
//!
//! It makes a verdict faster, never different. A token is found by a keyed hash and then compared whole, so
//! that no collision, found or made, takes one token for another; what is found says only that this key set
//! signed it, and the caller judges times and scopes anew. Bounded in entries and in bytes. Readers take no
//! lock and write nothing that other readers wait for, so that neither a writer nor a fork() can stop them.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::{ArcSwapOption, Guard};
use once_cell::race::OnceBox;

use crate::jwks::keyset::KeySet;
use crate::lane::{self, LANES};
use crate::token::claims::{Claims, Ticket};

/// What an entry may weigh on average, in bytes: an AuthKit token of 1.2 KB weighs a good half of it.
const AVERAGE_WEIGHT: usize = 8 * 1024;
/// What a lane's count of its own takes.
const HANDED_OUT: usize = 192;
/// Entries that one hash can lead to.
const WAYS: usize = 4;
/// Tokens of one set that are remembered for having been seen once.
const SIGHTINGS: usize = 8;
/// The low bits of a ticket.
const SLOT_BITS: u32 = 16;
/// So that a ticket is an integer that a double can hold too, as JavaScript's numbers are.
const GENERATIONS: u64 = 1 << (53 - SLOT_BITS);
/// How much of a token's end is hashed, in octets: 192 bits of its signature, as good as random in a token
/// that verified.
const HASHED: usize = 32;

/// The tokens that were accepted, and may be again.
#[derive(Debug)]
pub(crate) struct VerifiedTokens {
    /// Each made when the first token leads to it: a verifier that sees few tokens stays small.
    sets: Box<[OnceBox<Set>]>,
    hasher: RandomState,
    kept: AtomicU64,
    weight: AtomicUsize,
    capacity: usize,
}

/// Where a hash leads. A tag says cheaply what an entry cannot be; what it is, the entry says.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Set {
    tags: [AtomicU64; WAYS],
    entries: [ArcSwapOption<Entry>; WAYS],
    seen: [AtomicU64; SIGHTINGS],
}

/// A token that was accepted.
pub(crate) struct Entry {
    token: Box<[u8]>,
    pub(crate) claims: Claims,
    /// The same, as each lane's threads hand them out.
    handed_out: [OnceBox<Claims>; LANES],
    /// The issuer's position in the configuration.
    pub(crate) issuer: usize,
    /// By its address alone, which nothing else can have while this is held.
    keys: Weak<KeySet>,
    /// Whether it was of use since an eviction last passed it by.
    used: AtomicBool,
}

impl std::fmt::Debug for Entry {
    /// Neither the token nor what it says.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("claims", &self.claims).finish_non_exhaustive()
    }
}

/// An entry as long as it is looked at.
pub(crate) struct Found(Guard<Option<Arc<Entry>>>);

impl Found {
    pub(crate) fn entry(&self) -> Option<&Entry> {
        self.0.as_deref()
    }
}

impl Entry {
    /// Whether this very key set signed the token. Another of the same content may too, but did not say so.
    pub(crate) fn is_signed_by(&self, keys: &Arc<KeySet>) -> bool {
        self.keys.as_ptr() == Arc::as_ptr(keys)
    }

    /// The claims to give away.
    pub(crate) fn hand_out(&self) -> Claims {
        let of_this_lane = self.handed_out.get(lane::of_this_thread());
        let made =
            |claims: &OnceBox<Claims>| claims.get_or_init(|| Box::new(self.claims.apart())).clone();
        of_this_lane.map_or_else(|| self.claims.clone(), made)
    }

    /// Says that it was of use. Written once only: readers on other processors need not fetch it anew.
    pub(crate) fn touch(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// About what it takes of memory: the token, its parts decoded, and what lies around them.
    fn weight(&self) -> usize {
        512 + LANES * HANDED_OUT
            + self.token.len()
            + 2 * (self.claims.json().len() + self.claims.header_json().len())
    }
}

impl VerifiedTokens {
    /// Room for at least so many tokens, in whole sets; `None` for none.
    pub(crate) fn new(entries: usize) -> Option<Self> {
        let sets = entries.min(1 << SLOT_BITS).div_ceil(WAYS).next_power_of_two();
        (entries > 0).then(|| Self {
            sets: (0..sets).map(|_| OnceBox::new()).collect(),
            hasher: RandomState::new(),
            kept: AtomicU64::new(0),
            weight: AtomicUsize::new(0),
            capacity: sets * WAYS * AVERAGE_WEIGHT,
        })
    }

    /// The entry of this token, octet for octet.
    pub(crate) fn find(&self, token: &[u8]) -> Option<Found> {
        let tag = self.tag(token);
        let set = self.sets.get(self.place(tag))?.get()?;
        set.tags.iter().zip(&set.entries).find_map(|(known, entry)| {
            if known.load(Ordering::Acquire) != tag {
                return None;
            }
            let found = Found(entry.load());
            found.entry().is_some_and(|entry| *entry.token == *token).then_some(found)
        })
    }

    /// Keeps a token that was accepted, from its second time on: tokens that come once, however many, leave
    /// those in use where they are. Gives the acceptance's ticket, 0 where it was not kept.
    pub(crate) fn keep(
        &self,
        token: &[u8],
        claims: &Claims,
        issuer: usize,
        keys: &Arc<KeySet>,
    ) -> Ticket {
        let tag = self.tag(token);
        let place = self.place(tag);
        let Some(set) = self.sets.get(place) else { return 0 };
        let set = set.get_or_init(|| Box::new(Set::default()));
        if !set.has_seen(tag) {
            return 0;
        }
        let way = set.way_for(tag);
        let Some(ticket) = self.next_ticket(place * WAYS + way) else { return 0 };
        let claims = claims.clone().with_ticket(ticket);
        let (token, keys) = (token.into(), Arc::downgrade(keys));
        let used = AtomicBool::new(false);
        let handed_out = [const { OnceBox::new() }; LANES];
        let entry = Entry { token, claims, handed_out, issuer, keys, used };
        let weight = entry.weight();
        if !self.has_room_for(weight, set.weight_of(way)) {
            return 0;
        }
        let replaced = set.put(way, tag, entry);
        self.weight.fetch_sub(replaced.map_or(0, |replaced| replaced.weight()), Ordering::Relaxed);
        ticket
    }

    /// How many tokens there are, and what they weigh in bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let entries = self.sets.iter().filter_map(OnceBox::get).flat_map(|set| &set.entries);
        (
            entries.filter(|entry| entry.load().is_some()).count(),
            self.weight.load(Ordering::Relaxed),
        )
    }

    /// A keyed hash, so that nobody can choose tokens that crowd one set. Never 0.
    fn tag(&self, token: &[u8]) -> u64 {
        let end = token.get(token.len().saturating_sub(HASHED)..).unwrap_or_default();
        let mut hasher = self.hasher.build_hasher();
        hasher.write(end);
        hasher.finish() | 1
    }

    /// Where the tag's set is.
    fn place(&self, tag: u64) -> usize {
        #[allow(clippy::cast_possible_truncation)] // the sets are a power of two, 2^14 at most
        let upper_half = (tag >> 32) as usize;
        upper_half & (self.sets.len() - 1)
    }

    /// `None` after 2^37 of them: what a host keeps by a ticket must never fit another.
    fn next_ticket(&self, slot: usize) -> Option<Ticket> {
        let generation = self.kept.fetch_add(1, Ordering::Relaxed) + 1;
        let ticket = generation << SLOT_BITS | slot as u64;
        (generation < GENERATIONS).then_some(ticket)
    }

    /// Takes the room, unless there is too little of it when what is to go has gone.
    fn has_room_for(&self, weight: usize, replaced: usize) -> bool {
        let before = self.weight.fetch_add(weight, Ordering::Relaxed);
        if before.saturating_sub(replaced) + weight <= self.capacity {
            return true;
        }
        self.weight.fetch_sub(weight, Ordering::Relaxed);
        false
    }
}

impl Set {
    /// Whether a token of this tag has come before; now it has.
    fn has_seen(&self, tag: u64) -> bool {
        #[allow(clippy::cast_possible_truncation)] // one of eight
        let place = self.seen.get((tag >> 1) as usize % SIGHTINGS);
        place.is_some_and(|place| {
            place.load(Ordering::Relaxed) == tag || {
                place.store(tag, Ordering::Relaxed);
                false
            }
        })
    }

    /// Where to keep a token: in its own place, in an empty one, in that of one that was of no use of late.
    fn way_for(&self, tag: u64) -> usize {
        let tags = || self.tags.iter().map(|known| known.load(Ordering::Relaxed));
        if let Some(way) = tags().position(|known| known == tag).or(tags().position(|tag| tag == 0))
        {
            return way;
        }
        let spare = self.entries.iter().position(|entry| {
            entry.load().as_ref().is_none_or(|entry| !entry.used.swap(false, Ordering::Relaxed))
        });
        #[allow(clippy::cast_possible_truncation)] // one of four
        spare.unwrap_or((tag >> 4) as usize % WAYS)
    }

    fn weight_of(&self, way: usize) -> usize {
        self.entries.get(way).and_then(|entry| Some(entry.load().as_ref()?.weight())).unwrap_or(0)
    }

    fn put(&self, way: usize, tag: u64, entry: Entry) -> Option<Arc<Entry>> {
        let replaced = self.entries.get(way)?.swap(Some(Arc::new(entry)));
        self.tags.get(way)?.store(tag, Ordering::Release);
        replaced
    }
}
