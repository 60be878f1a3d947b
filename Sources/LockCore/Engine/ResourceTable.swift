/// A lockspace's machines, one for each resource that is in use.
///
/// The machines stand side by side, and a hash table tells each one's place: a hash table leaves up
/// to two thirds of its room empty, which is little where it holds numbers. A machine keeps its
/// place until it is removed; then a new one may stand there.
package struct ResourceTable: Sendable {
    private var places: [Resource.Name: Int] = [:]
    /// By place. To change a machine, change it here, where it stands.
    var machines: [ResourceMachine] = []
    /// The place that was last asked for, where a machine stands: the manager's answer mostly comes
    /// next after the request it is for.
    private var last: Int?
    /// Places of machines that were removed.
    private var free: [Int] = []
    private var lastOrder: UInt64 = 0

    package var count: Int { self.places.count }
    package var isEmpty: Bool { self.places.isEmpty }

    /// In no order.
    package var values: some Sequence<ResourceMachine> {
        self.places.values.lazy.map { self.machines[$0] }
    }

    package subscript(name: Resource.Name) -> ResourceMachine? {
        self.places[name].map { self.machines[$0] }
    }

    mutating func place(of name: Resource.Name) -> Int? {
        if let last, self.machines[last].name == name { return last }
        let place = self.places[name]
        if place != nil { self.last = place }
        return place
    }

    /// The places of all machines, in the order in which they were made, so that a run can be
    /// replayed.
    var placesInOrder: [Int] { self.inOrder(self.places.values) }

    /// Those of the places where a machine stands, in that order.
    func inOrder(_ places: some Sequence<Int>) -> [Int] {
        places.filter { self.places[self.machines[$0].name] == $0 }
            .sorted { self.machines[$0].order < self.machines[$1].order }
    }

    /// The place of a resource's machine, which is made if there is none.
    mutating func place(
        of name: Resource.Name, makingWith traits: ResourceMachine.Traits
    ) -> Int {
        let vacant = self.free.last ?? self.machines.count
        let place = self.places[name, default: vacant].whichIsSet
        self.last = place
        guard place == vacant else { return place }
        self.lastOrder += 1
        let machine = ResourceMachine(traits, order: self.lastOrder)
        if self.free.popLast() == nil {
            self.machines.append(machine)
        } else {
            self.machines[place] = machine
        }
        return place
    }

    /// Takes the machine at that place out.
    mutating func remove(at place: Int) {
        self.places[self.machines[place].name] = nil
        if self.last == place { self.last = nil }
        self.free.append(place)
    }
}

extension Int {
    /// The number itself, after it was written: `table[key, default: number].whichIsSet` looks the
    /// key up once, and enters the number if there was none.
    fileprivate var whichIsSet: Int {
        mutating get { self }
    }
}
