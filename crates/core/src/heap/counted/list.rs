//! Lists: words in pages, hung in a radix tree over absolute positions; or, as long as a list is
//! short, words in one small block.
//!
//! An element appended at position p stays at p; `del l[:n]` only moves `head`, and index i is
//! position head + i. Nothing is copied when a list of pages grows, and memory follows the
//! elements: a page lives exactly as long as some element between `head` and `tail` is in it.
//!
//! ```text
//! height 0: root is the only page          all elements have the same p / 1024
//! height 1: root[p / 1024 % 1024]          2^20 positions, as a window that moves with head
//! height 2: root[p / 2^20 % 1024][p / 1024 % 1024]                 2^30 positions
//! ```
//!
//! A tree grows by hanging what it had into a new root, and shrinks to nothing when the list is
//! empty.
//!
//! Most lists are short, and a page would take a hundred times the room of their elements. So an
//! empty list begins with a small block, in which positions begin at 0. When there is no place left
//! behind the last element, the elements move to the front of the block; when the block is full of
//! elements, they move to a page, and the list keeps pages until it is empty again.
//!
//! This file knows words and pages; what the words mean is the caller's business.

#![expect(unsafe_code, reason = "the header is marked as valid when zeroed")]

use super::pages::{PAGE, Page, Pages, SMALL};
use super::word::{Half, Word};
use crate::heap::slab::Zeroed;

/// No page has this number.
const UNKNOWN: u32 = u32::MAX;
/// The height of a list that has a small block, whose number is where the root's would be.
const IN_SMALL: u32 = 3;
/// What one append may take: its page, a new root, and two directories under it.
const APPEND_PAGES: u64 = 4;

/// A list's place in the page tree; all zeroes is an empty list.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Header {
    /// The absolute position of element 0.
    head: Word,
    /// The absolute position after the last element.
    tail: Word,
    root: Half,
    height: Half,
    /// The page that the next append goes to, unless that begins a page, or it is [`UNKNOWN`].
    tail_page: Half,
    spare: Half,
}

// SAFETY: made of words that are valid as zero and need no drop.
unsafe impl Zeroed for Header {}

/// The append would need a page, and there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoPages;

impl Header {
    /// Makes the list of a new object empty.
    pub(super) fn reset(&self) {
        self.head.set(0);
        self.tail.set(0);
        self.forget_tree();
    }

    /// Takes everything out, which leaves the list empty. The result belongs to the caller alone:
    /// even without a lock nobody else can lengthen it, so taking it apart comes to an end.
    pub(super) fn take(&self) -> Self {
        let taken = Self {
            head: Word::new(self.head.get()),
            tail: Word::new(self.tail.get()),
            root: Half::new(self.root.get()),
            height: Half::new(self.height.get()),
            tail_page: Half::new(self.tail_page.get()),
            spare: Half::new(0),
        };
        self.reset();
        taken
    }

    fn forget_tree(&self) {
        self.root.set(0);
        self.height.set(0);
        self.tail_page.set(UNKNOWN);
    }

    /// The length. Without a lock `head` may have overtaken `tail`, and either may have any value.
    #[inline]
    pub(super) fn len(&self, pages: &Pages) -> u64 {
        let len = self.tail.get().saturating_sub(self.head.get());
        len.min(pages.large.count() * PAGE)
    }

    /// The word of element `index`.
    #[inline]
    pub(super) fn element<'p>(&self, pages: &'p Pages, index: u64) -> Option<&'p Word> {
        (index < self.len(pages)).then(|| {
            let position = self.head.get().wrapping_add(index);
            if self.is_small() {
                return &pages.small.block(self.root.get())[small_offset(position)];
            }
            &self.page_of(pages, position / PAGE)[offset(position)]
        })
    }

    #[inline]
    fn is_small(&self) -> bool {
        self.height.get() == IN_SMALL
    }

    /// The elements from `index` on, up to the end of its page.
    pub(super) fn run<'p>(&self, pages: &'p Pages, index: u64) -> &'p [Word] {
        let left = self.len(pages).saturating_sub(index);
        let position = self.head.get().wrapping_add(index);
        self.words(pages, position, (PAGE - position % PAGE).min(left))
    }

    /// `count` words from a position on, none of which lies beyond the position's page.
    fn words<'p>(&self, pages: &'p Pages, position: u64, count: u64) -> &'p [Word] {
        if self.is_small() {
            let words = &pages.small.block(self.root.get())[small_offset(position)..];
            return &words[..words.len().min(offset_of_len(count))];
        }
        let start = offset(position);
        &self.page_of(pages, position / PAGE)[start..start + offset_of_len(count)]
    }

    #[inline]
    fn page_of<'p>(&self, pages: &'p Pages, number: u64) -> &'p Page {
        pages.large.block(self.locate(pages, number))
    }

    /// The page that holds the positions `number * PAGE ..`.
    #[inline]
    fn locate(&self, pages: &Pages, number: u64) -> u32 {
        let root = self.root.get();
        match self.height.get() {
            0 | IN_SMALL => root,
            1 => entry(pages, root, number).get_page(),
            _ => {
                let directory = entry(pages, root, number / PAGE).get_page();
                entry(pages, directory, number).get_page()
            }
        }
    }

    /// Makes the list one longer if its last page has room, and returns the new last word, which is
    /// to be filled.
    #[inline]
    pub(super) fn next_in_page<'p>(&self, pages: &'p Pages) -> Option<&'p Word> {
        let tail = self.tail.get();
        if tail.is_multiple_of(PAGE) {
            return None;
        }
        let page = pages.large.at(self.tail_page.get())?;
        self.tail.set(tail.wrapping_add(1));
        Some(&page[offset(tail)])
    }

    /// Puts a word after the last element.
    pub(super) fn push(&self, pages: &Pages, word: u64) -> Result<(), NoPages> {
        if self.head.get() >= self.tail.get() {
            self.begin_small(pages);
        }
        if self.is_small() {
            if self.len(pages) >= SMALL {
                self.outgrow_small(pages)?;
            } else {
                self.push_small(pages, word);
                return Ok(());
            }
        }
        let tail = self.tail.get();
        let page = self.page_for(pages, tail)?;
        self.tail_page.set(page);
        pages.large.block(page)[offset(tail)].set(word);
        self.tail.set(tail.wrapping_add(1));
        Ok(())
    }

    /// Gives an empty list a small block, if there is one left.
    fn begin_small(&self, pages: &Pages) {
        let block = pages.small.take();
        if block != 0 {
            self.head.set(0);
            self.tail.set(0);
            self.root.set(block);
            self.height.set(IN_SMALL);
            self.tail_page.set(UNKNOWN);
        }
    }

    /// Puts a word into a small block that is not full of elements.
    fn push_small(&self, pages: &Pages, word: u64) {
        let block = pages.small.block(self.root.get());
        let (head, tail) = (self.head.get(), self.tail.get());
        let mut end = tail;
        if tail >= SMALL {
            end = 0;
            for position in head..tail.min(SMALL) {
                block[small_offset(end)].set(block[small_offset(position)].get());
                end += 1;
            }
            self.head.set(0);
        }
        block[small_offset(end)].set(word);
        self.tail.set(end.wrapping_add(1));
    }

    /// Moves the elements of a full small block to a page.
    fn outgrow_small(&self, pages: &Pages) -> Result<(), NoPages> {
        if pages.large.available() < APPEND_PAGES {
            return Err(NoPages);
        }
        let (block, page) = (self.root.get(), pages.large.take());
        let (from, to) = (pages.small.block(block), pages.large.block(page));
        for (from, to) in from.iter().zip(to) {
            to.set(from.get());
        }
        self.root.set(page);
        self.height.set(0);
        pages.small.give(block);
        Ok(())
    }

    fn page_for(&self, pages: &Pages, tail: u64) -> Result<u32, NoPages> {
        let number = tail / PAGE;
        let head = self.head.get();
        if head < tail && !tail.is_multiple_of(PAGE) {
            return Ok(self.locate(pages, number));
        }
        if pages.large.available() < APPEND_PAGES {
            return Err(NoPages);
        }
        let page = pages.large.take();
        if head >= tail {
            self.root.set(page);
            self.height.set(0);
        } else {
            self.hang(pages, head / PAGE, number, page)?;
        }
        Ok(page)
    }

    /// Hangs `page` into the tree as the one after the last; `first` is the number of the first.
    fn hang(&self, pages: &Pages, first: u64, number: u64, page: u32) -> Result<(), NoPages> {
        if self.height.get() == 0 {
            let root = pages.large.take();
            entry(pages, root, first).set(u64::from(self.root.get()));
            self.root.set(root);
            self.height.set(1);
        }
        if self.height.get() == 1 && number.wrapping_sub(first) >= PAGE {
            self.grow_to_two(pages, first, number);
        }
        let root = self.root.get();
        if self.height.get() == 1 {
            entry(pages, root, number).set(u64::from(page));
            return Ok(());
        }
        if (number / PAGE).wrapping_sub(first / PAGE) >= PAGE {
            pages.large.give(page);
            return Err(NoPages);
        }
        if number.is_multiple_of(PAGE) {
            entry(pages, root, number / PAGE).set(u64::from(pages.large.take()));
        }
        let directory = entry(pages, root, number / PAGE).get_page();
        entry(pages, directory, number).set(u64::from(page));
        Ok(())
    }

    /// The only directory held a full window of 1,024 pages, which begins anywhere in it. It
    /// becomes the directory of the window's first part, and a copy of it that of the second.
    fn grow_to_two(&self, pages: &Pages, first: u64, number: u64) {
        let (old, root) = (self.root.get(), pages.large.take());
        entry(pages, root, first / PAGE).set(u64::from(old));
        let last = number - 1;
        if last / PAGE != first / PAGE {
            let second = pages.large.take();
            for (from, to) in pages.large.block(old).iter().zip(pages.large.block(second)) {
                to.set(from.get());
            }
            entry(pages, root, last / PAGE).set(u64::from(second));
        }
        self.root.set(root);
        self.height.set(2);
    }

    /// Takes up to `most` elements off the front, but none beyond the first page. They stay
    /// readable until [`prune`](Self::prune) is called with what this returns.
    pub(super) fn shed_front<'p>(&self, pages: &'p Pages, most: u64) -> Shed<'p> {
        let head = self.head.get();
        let step = most.min(self.len(pages)).min(PAGE - head % PAGE);
        self.head.set(head.wrapping_add(step));
        self.shed(pages, head, step)
    }

    /// As [`shed_front`](Self::shed_front), off the back.
    pub(super) fn shed_back<'p>(&self, pages: &'p Pages, most: u64) -> Shed<'p> {
        let tail = self.tail.get();
        let in_page = tail.wrapping_sub(1) % PAGE + 1;
        let step = most.min(self.len(pages)).min(in_page);
        self.tail.set(tail.wrapping_sub(step));
        self.shed(pages, tail.wrapping_sub(step), step)
    }

    /// Takes the last element.
    #[inline]
    pub(super) fn pop(&self, pages: &Pages) -> Option<u64> {
        let shed = self.shed_back(pages, 1);
        let word = shed.words.first()?.get();
        // Only the last element of a page, or of the list, takes its page along.
        if self.tail.get().is_multiple_of(PAGE) || self.head.get() >= self.tail.get() {
            self.prune(pages, &shed);
        }
        Some(word)
    }

    fn shed<'p>(&self, pages: &'p Pages, position: u64, words: u64) -> Shed<'p> {
        let number = position / PAGE;
        Shed {
            words: self.words(pages, position, words),
            page: self.locate(pages, number),
            number,
        }
    }

    /// Gives back the page that elements were shed from, and the directories above it, if no
    /// element is left in them.
    pub(super) fn prune(&self, pages: &Pages, shed: &Shed<'_>) {
        let (head, tail) = (self.head.get(), self.tail.get());
        let (first, last) = (head / PAGE, tail.wrapping_sub(1) / PAGE);
        let empty = head >= tail;
        if self.is_small() {
            if empty {
                pages.small.give(shed.page);
                self.forget_tree();
            }
            return;
        }
        if !empty && (first..=last).contains(&shed.number) {
            return;
        }
        pages.large.give(shed.page);
        if self.tail_page.get() == shed.page || empty {
            self.tail_page.set(UNKNOWN);
        }
        let (root, height) = (self.root.get(), self.height.get());
        let block = shed.number / PAGE;
        if height == 2 && (empty || !(first / PAGE..=last / PAGE).contains(&block)) {
            pages.large.give(entry(pages, root, block).get_page());
        }
        if empty {
            if height > 0 {
                pages.large.give(root);
            }
            self.forget_tree();
        }
    }

    /// How many small blocks the list holds.
    pub(super) fn small_held(&self) -> u64 {
        u64::from(self.is_small())
    }

    /// How many pages the list holds, directories included.
    pub(super) fn pages_held(&self) -> u64 {
        let (head, tail) = (self.head.get(), self.tail.get());
        if head >= tail || self.is_small() {
            return 0;
        }
        let (first, last) = (head / PAGE, (tail - 1) / PAGE);
        let directories = match self.height.get() {
            0 => 0,
            1 => 1,
            _ => last / PAGE - first / PAGE + 2,
        };
        last - first + 1 + directories
    }
}

/// Elements that were taken off a list and still lie in their page.
#[derive(Debug)]
pub(super) struct Shed<'p> {
    /// The elements.
    pub(super) words: &'p [Word],
    page: u32,
    number: u64,
}

#[inline]
fn offset(position: u64) -> usize {
    (position % PAGE) as usize
}

#[inline]
fn small_offset(position: u64) -> usize {
    (position % SMALL) as usize
}

/// A number of words within a page, which may be all of them.
#[inline]
fn offset_of_len(words: u64) -> usize {
    words.min(PAGE) as usize
}

#[inline]
fn entry(pages: &Pages, directory: u32, number: u64) -> &Word {
    &pages.large.block(directory)[offset(number)]
}

impl Word {
    /// A directory's entry. The high half is 0, but for what threads without a lock leave there.
    #[inline]
    fn get_page(&self) -> u32 {
        (self.get() & 0xFFFF_FFFF) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::slab::Slab;
    use std::collections::VecDeque;

    /// A list and what it should hold.
    struct Pair {
        list: Slab<Header>,
        pages: Pages,
        expected: VecDeque<u64>,
        next: u64,
    }

    impl Pair {
        fn new(pages: u32) -> Self {
            Self {
                list: Slab::new(1),
                pages: Pages::new(pages, 1),
                expected: VecDeque::new(),
                next: 0,
            }
        }

        fn push(&mut self, count: u64) {
            for _ in 0..count {
                match self.list[0].next_in_page(&self.pages) {
                    Some(place) => place.set(self.next),
                    None => self.list[0].push(&self.pages, self.next).unwrap(),
                }
                self.expected.push_back(self.next);
                self.next += 1;
            }
        }

        fn shed_front(&mut self, count: u64) {
            for _ in 0..self.shed(count, Header::shed_front) {
                self.expected.pop_front();
            }
        }

        fn shed_back(&mut self, count: u64) {
            for _ in 0..self.shed(count, Header::shed_back) {
                self.expected.pop_back();
            }
        }

        fn shed(
            &self,
            count: u64,
            shed: impl for<'p> Fn(&Header, &'p Pages, u64) -> Shed<'p>,
        ) -> u64 {
            let mut left = count.min(self.expected.len() as u64);
            let total = left;
            while left > 0 {
                let shed = shed(&self.list[0], &self.pages, left);
                left -= shed.words.len() as u64;
                self.list[0].prune(&self.pages, &shed);
            }
            total
        }

        fn pop(&mut self) {
            assert_eq!(self.list[0].pop(&self.pages), self.expected.pop_back());
        }

        /// Looks at the length, every page's ends, and the number of pages.
        fn assert_same(&self) {
            let (list, pages) = (&self.list[0], &self.pages);
            let len = self.expected.len() as u64;
            assert_eq!(list.len(pages), len);
            let around = |index: u64| index.saturating_sub(2)..index + 2;
            let places = (0..=len / PAGE + 1).flat_map(|page| around(page * PAGE));
            for index in places.chain(around(len)) {
                let found = list.element(pages, index).map(Word::get);
                let expected = usize::try_from(index).unwrap();
                assert_eq!(found, self.expected.get(expected).copied(), "at {index}");
            }
            assert_eq!(list.pages_held(), pages.large.taken());
            assert_eq!(list.small_held(), pages.small.taken());
            if list.small_held() > 0 {
                assert!((1..=SMALL).contains(&len) && pages.large.taken() == 0);
            }
            assert!(pages.large.taken() <= len.div_ceil(PAGE) + 1 + 4);
        }
    }

    /// Goal: lists of every height hold what was put in, give pages back as they shrink from either
    /// end, and never hold more than their elements need.
    #[test]
    fn lists_of_every_height_keep_their_elements() {
        const WINDOW: u64 = PAGE * PAGE;
        let mut pair = Pair::new(4000);
        // Each step: pushed, shed at the front, shed at the back.
        let steps = [
            (1, 1, 0),
            (PAGE - 1, 0, 0),
            (1, 0, 1),
            (2, 0, 2),
            (3 * PAGE, PAGE + 5, PAGE),
            (7, u64::MAX, 0),
            (40 * PAGE + 3, 39 * PAGE, 5),
            (WINDOW + 2 * PAGE, 0, 0),
            (PAGE, WINDOW / 2, 0),
            (WINDOW + WINDOW / 2, WINDOW, 3),
            (5, 0, WINDOW / 4),
            (PAGE, 0, u64::MAX),
            (3, 0, 0),
        ];
        for (pushed, front, back) in steps {
            pair.push(pushed);
            pair.assert_same();
            pair.shed_front(front);
            pair.assert_same();
            pair.shed_back(back);
            pair.assert_same();
        }
    }

    /// Goal: a list that is a queue or a stack, for long, moves its window and reuses its pages.
    #[test]
    fn queues_and_stacks_reuse_their_pages() {
        let mut pair = Pair::new(60);
        pair.push(10 * PAGE);
        for _ in 0..300 {
            pair.push(10 * PAGE + 7);
            pair.shed_front(10 * PAGE + 7);
            pair.assert_same();
        }
        for _ in 0..20 * PAGE {
            pair.pop();
        }
        pair.assert_same();
        for _ in 0..3 * PAGE {
            pair.push(1);
            pair.pop();
            pair.push(1);
        }
        pair.assert_same();
    }

    /// Goal: a list of up to eight elements takes no page, whichever way it moves; a longer one
    /// takes one until it is empty.
    #[test]
    fn short_lists_take_no_page() {
        let mut pair = Pair::new(8);
        for len in 1..=SMALL {
            pair.push(len);
            for _ in 0..3 * SMALL {
                pair.shed_front(1);
                pair.push(1);
                pair.pop();
                pair.push(1);
                pair.assert_same();
                assert_eq!(pair.list[0].small_held(), 1);
            }
            pair.shed_back(u64::MAX);
            pair.assert_same();
        }
        pair.push(SMALL + 1);
        pair.assert_same();
        assert_eq!(pair.pages.large.taken(), 1);
        pair.shed_front(SMALL);
        pair.assert_same();
        assert_eq!(pair.pages.large.taken(), 1);
        pair.shed_front(1);
        pair.push(1);
        pair.assert_same();
        assert_eq!(pair.pages.large.taken(), 0);
    }

    /// Goal: without small blocks a short list takes a page.
    #[test]
    fn short_lists_take_a_page_if_they_must() {
        let mut pair = Pair::new(8);
        pair.pages.small.take();
        pair.push(3);
        assert_eq!(pair.pages.large.taken(), 1);
        pair.pop();
        pair.shed_front(2);
        assert_eq!(pair.pages.large.taken(), 0);
    }

    /// Goal: without pages an append fails and changes nothing, and works again when some are free.
    #[test]
    fn an_append_without_pages_changes_nothing() {
        let mut pair = Pair::new(8);
        pair.push(4 * PAGE);
        assert_eq!(pair.list[0].push(&pair.pages, 0), Err(NoPages));
        pair.assert_same();
        pair.shed_front(PAGE);
        pair.push(PAGE);
        pair.assert_same();
    }
}
