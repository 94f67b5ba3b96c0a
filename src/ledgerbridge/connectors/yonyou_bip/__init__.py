"""YonBIP / YonSuite through its OpenAPI gateway (contract: part B of the Yonyou fact sheet, cited as B1…B8).

A tenant keeps its receivables in one of two modules: EFI (`receivable`, `collection`, `arverifyevent`) or the older fi (`oar`,
`receivebill`, `arverify`). The setting `ar_family` names it, or has it found out.

Words that mislead: `verifyState` and `auditstatus` are approval; `writeOffState` of an EFI voucher says that it was
reversed (冲销); the `arverify…` lists and fi's `writeoffstatus` are write-off (核销).

Open balances of EFI documents stand in another list: a record read as `receivable` carries the rows of `arPublicEvent`
about it under the key ``_arPublicEvent``, a `collection` those of `collectionPublicEvent` under
``_collectionPublicEvent``, a customer its answers of the credit query under ``_credit``. A write-off is one record
``{"rows": […]}`` of all its list rows, with ``_currencyCode`` where a row names its currency by id alone. Everything
else of a body is as sent.
"""

from .connector import YonyouBip

__all__ = ["YonyouBip"]
