//! Shedding by cost: when too much is in flight, new work is refused before it makes everything slow.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::OperationKind;

/// Cost of the operations in flight.
#[derive(Debug)]
pub(crate) struct Load {
    in_flight: AtomicU64,
    capacity: u64,
}

/// The share of one operation; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct LoadSlot {
    load: Arc<Load>,
    cost: u64,
}

impl Load {
    /// A capacity of zero is no limit.
    pub(crate) fn new(capacity: u64) -> Arc<Self> {
        Arc::new(Self { in_flight: AtomicU64::new(0), capacity })
    }

    /// Room for an operation. The last fifth is kept for mutations; an idle server takes any operation.
    pub(crate) fn admit(self: &Arc<Self>, kind: OperationKind, cost: u64) -> Option<LoadSlot> {
        let ceiling = match (self.capacity, kind) {
            (0, _) => u64::MAX,
            (capacity, OperationKind::Mutation) => capacity,
            (capacity, _) => capacity / 5 * 4,
        };
        let admitted = self.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, |in_flight| {
            let next = in_flight.saturating_add(cost);
            (in_flight == 0 || next <= ceiling).then_some(next)
        });
        admitted.ok().map(|_| LoadSlot { load: Arc::clone(self), cost })
    }
}

impl Drop for LoadSlot {
    fn drop(&mut self) {
        self.load.in_flight.fetch_sub(self.cost, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutations_are_shed_last_and_room_comes_back() {
        let load = Load::new(100);
        let first = load.admit(OperationKind::Query, 70);
        assert!(first.is_some());
        assert!(load.admit(OperationKind::Query, 20).is_none());
        let second = load.admit(OperationKind::Mutation, 30);
        assert!(second.is_some());
        assert!(load.admit(OperationKind::Mutation, 1).is_none());
        drop((first, second));
        assert!(load.admit(OperationKind::Query, 20).is_some());
    }

    #[test]
    fn an_idle_server_takes_any_operation() {
        assert!(Load::new(100).admit(OperationKind::Query, 5_000).is_some());
    }
}
