"""How a worker that was started elsewhere finds the scheduler of its job, and proves itself.

Dask runs whatever code a peer sends. The certificate is made for one job; it goes to the workers
through their standard input or as an MPI message, never through a file or an argument.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security


@dataclass(frozen=True)
class Connection:
    """Address of a scheduler and the certificate that its peers hold.

    Parameters
    ----------
    address : str
        ``tls://host:port``.
    certificate, key : str
        PEM, of scheduler, workers and client alike.
    """

    address: str
    certificate: str
    key: str

    @classmethod
    def of(cls, client: Client) -> Connection:
        """Describe the scheduler of a client.

        Parameters
        ----------
        client : Client
            With a certificate from `Security.temporary`.

        Returns
        -------
        Connection
        """
        address = str(client.scheduler_info(n_workers=0)["address"])
        security = client.security
        return cls(address, str(security.tls_ca_file), str(security.tls_client_key))

    @classmethod
    def from_json(cls, text: str) -> Connection:
        """Read what `to_json` wrote.

        Parameters
        ----------
        text : str
            One line.

        Returns
        -------
        Connection
        """
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Write as one line of text.

        Returns
        -------
        str
        """
        return json.dumps(asdict(self))

    def security(self) -> Security:
        """Give the certificate to Dask.

        Returns
        -------
        Security
        """
        from distributed.security import Security  # noqa: PLC0415

        return Security(
            require_encryption=True,
            tls_ca_file=self.certificate,
            tls_worker_cert=self.certificate,
            tls_worker_key=self.key,
            tls_client_cert=self.certificate,
            tls_client_key=self.key,
        )
