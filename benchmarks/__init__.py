"""How quick mock_heidi is: beside what else one could take, and beside what its own stack allows at all."""
