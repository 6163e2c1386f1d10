"""A dendritic tree reduced to compartments by soma distance: soma, basal cable, apical cable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Section:
    """An unbranched cable, standing for all dendrites at these soma distances.

    Parameters
    ----------
    edges_um : tuple of float
        Soma distances that bound its compartments, from 0.
    diameters_um : tuple of float
        Equivalent diameter of each compartment.
    """

    edges_um: tuple[float, ...]
    diameters_um: tuple[float, ...]

    @property
    def n_compartments(self) -> int:
        """Number of compartments."""
        return len(self.diameters_um)


@dataclass(frozen=True)
class Morphology:
    """Soma with one basal and one apical cable; compartment 0 is the soma, then basal, then apical.

    Parameters
    ----------
    soma_area_um2 : float
        Membrane area of the soma.
    basal, apical : Section
        The two cables.
    """

    soma_area_um2: float = 1200.0
    basal: Section = Section((0.0, 50.0, 100.0, 200.0, 400.0), (8.0, 7.2, 5.6, 3.6))
    apical: Section = Section(
        (
            0.0,
            50.0,
            100.0,
            200.0,
            300.0,
            450.0,
            650.0,
            850.0,
            1000.0,
            1150.0,
            1300.0,
            1450.0,
            1600.0,
        ),
        (6.4, 6.4, 6.4, 5.6, 7.0, 7.0, 7.0, 5.0, 5.0, 5.0, 5.0, 5.0),
    )

    @property
    def n_compartments(self) -> int:
        """Number of compartments, the soma included."""
        return 1 + self.basal.n_compartments + self.apical.n_compartments

    @property
    def centre_um(self) -> FloatArray:
        """Soma distance of the centre of each compartment, shape (compartments,)."""
        centres = [(np.add(s.edges_um[1:], s.edges_um[:-1])) / 2 for s in (self.basal, self.apical)]
        return np.concatenate(([0.0], *centres))

    @property
    def area_um2(self) -> FloatArray:
        """Membrane area of each compartment, shape (compartments,)."""
        areas = [np.pi * np.diff(s.edges_um) * s.diameters_um for s in (self.basal, self.apical)]
        return np.concatenate(([self.soma_area_um2], *areas))

    def axial_conductance(self, resistivity: float) -> FloatArray:
        """Conductances between neighbouring compartments.

        The conductance joins the centres of two compartments; the soma is a point.

        Parameters
        ----------
        resistivity : float
            Axial resistivity in ohm cm.

        Returns
        -------
        numpy.ndarray
            Conductances in nS, symmetric, 0 between compartments that do not touch, shape
            (compartments, compartments).
        """
        conductance = np.zeros((self.n_compartments, self.n_compartments))
        for first, section in ((1, self.basal), (1 + self.basal.n_compartments, self.apical)):
            cross_section = np.pi * np.square(section.diameters_um) / 4
            # ohm cm * um / um2 = 1e4 ohm = 1e-5 / nS
            half = 1e-5 * resistivity * np.diff(section.edges_um) / 2 / cross_section
            towards = np.concatenate(([0.0], half[:-1]))
            inner = np.concatenate(([0], np.arange(first, first + half.size - 1)))
            outer = np.arange(first, first + half.size)
            conductance[inner, outer] = conductance[outer, inner] = 1.0 / (towards + half)
        return conductance

    def locate(self, distance_um: FloatArray, dendrite_label: npt.NDArray[np.str_]) -> IntArray:
        """Find the compartment of each synapse.

        Parameters
        ----------
        distance_um : numpy.ndarray
            Soma distances, shape (synapses,). Beyond the end of a cable they belong to its last
            compartment.
        dendrite_label : numpy.ndarray
            ``Soma``, ``Dendrite`` (basal) or ``ApicalDendrite``, shape (synapses,).

        Returns
        -------
        numpy.ndarray
            Compartment of each synapse, shape (synapses,).
        """

        def along(section: Section) -> IntArray:
            index = np.searchsorted(section.edges_um[1:], distance_um, side="right")
            return np.minimum(index, section.n_compartments - 1)

        apical = 1 + self.basal.n_compartments + along(self.apical)
        dendritic = np.where(dendrite_label == "Dendrite", 1 + along(self.basal), apical)
        return np.where(dendrite_label == "Soma", 0, dendritic)
