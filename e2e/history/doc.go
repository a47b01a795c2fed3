// Package history judges what clients saw of a cluster: whether each code let somebody in once, and
// whether an answer had one outcome, whatever was repeated, lost or killed meanwhile.
//
// Clients record every exchange in a [Record]: when an answer was sent, and what came back when. No
// reply means that nothing is known: the answer may have been judged then, later or never. [Record.Check]
// asks porcupine whether some order of all exchanges, in which each took effect at one instant between
// its call and its return, fits what one node without faults would have said. That order exists exactly
// when the cluster is linearizable.
package history
