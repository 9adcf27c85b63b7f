//! Draws a [`Picture`] of the objects that a walk meets.

use crate::evidence::{Contents, Name, Picture};
use crate::heap::{Field, ObjectId, Shape};

use super::walk;

/// A witness of a walk that draws what the walk reports.
#[derive(Debug, Default)]
pub(super) struct Painter {
    pub(super) picture: Picture,
}

impl Painter {
    fn contents(&mut self, object: ObjectId) -> Option<&mut Contents> {
        Name::of(object).and_then(|name| self.picture.objects.get_mut(&name))
    }
}

impl walk::Witness for Painter {
    const READS_COUNTERS: bool = true;

    fn object(&mut self, object: ObjectId) {
        if let Some(name) = Name::of(object) {
            let contents = match object.shape() {
                Shape::Leaf => Contents::Leaf,
                Shape::Node => Contents::Node([None; 2]),
                Shape::List => Contents::List(Vec::new()),
                Shape::Counter => Contents::Counter(0),
            };
            self.picture.objects.insert(name, contents);
        }
    }

    fn field(&mut self, node: ObjectId, field: Field, found: Option<ObjectId>) {
        if let Some(Contents::Node(fields)) = self.contents(node) {
            fields[usize::from(field.0)] = found.and_then(Name::of);
        }
    }

    fn element(&mut self, list: ObjectId, element: Option<ObjectId>) {
        if let Some(Contents::List(elements)) = self.contents(list) {
            elements.push(element.and_then(Name::of));
        }
    }

    fn counter(&mut self, counter: ObjectId, value: i64) {
        if let Some(contents) = self.contents(counter) {
            *contents = Contents::Counter(value);
        }
    }
}
