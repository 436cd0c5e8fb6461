/** Every row of the authority algorithms, by id. */
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../core/formats/algorithms.ts";

export const allAlgorithms = Object.keys(authorityAlgorithms) as AuthorityAlgorithmId[];
